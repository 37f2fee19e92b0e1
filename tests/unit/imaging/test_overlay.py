"""The overlay colours where the evidence is and leaves the rest of the skin to be seen."""

from __future__ import annotations

import numpy as np
import pytest

from nevus.imaging import overlay_evidence

SKIN = np.full((96, 128, 3), (210, 160, 140), np.uint8)


def corner_evidence() -> np.ndarray:
    evidence = np.zeros((6, 8), np.float32)
    evidence[0, 7] = 3.0
    return evidence


def test_only_where_there_is_evidence_the_image_changes() -> None:
    mixed = overlay_evidence(SKIN, corner_evidence())
    assert mixed.shape == SKIN.shape
    assert mixed.dtype == np.uint8
    assert (mixed[40:, :90] == SKIN[40:, :90]).all()
    assert np.abs(mixed[2, 125].astype(int) - SKIN[0, 0]).max() > 40


def test_the_strongest_evidence_has_the_strongest_colour_at_the_given_opacity() -> None:
    mixed = overlay_evidence(SKIN, np.ones((6, 8), np.float32), alpha=0.5)
    expected = (SKIN[0, 0] + np.array([253.0, 231, 37])) / 2
    assert np.abs(mixed - expected).max() <= 1


def test_by_default_the_scale_is_the_maps_own() -> None:
    evidence = corner_evidence()
    assert (overlay_evidence(SKIN, evidence) == overlay_evidence(SKIN, evidence * 1000)).all()


def test_a_common_scale_makes_weak_evidence_weak() -> None:
    weak = overlay_evidence(SKIN, corner_evidence(), scale=30.0)
    strong = overlay_evidence(SKIN, corner_evidence(), scale=3.0)
    assert np.abs(weak.astype(int) - SKIN).sum() < 0.5 * np.abs(strong.astype(int) - SKIN).sum()


@pytest.mark.parametrize("evidence", [np.zeros((3, 4)), np.full((3, 4), np.nan), np.zeros((0, 0))])
def test_without_evidence_the_image_is_a_copy_of_itself(evidence: np.ndarray) -> None:
    mixed = overlay_evidence(SKIN, evidence)
    assert (mixed == SKIN).all()
    assert mixed is not SKIN


def test_lightness_rises_with_the_evidence() -> None:
    """Told apart without colour: in print, and by those who don't see it."""
    ramp = np.linspace(0.5, 1, 8, dtype=np.float32)[None].repeat(2, 0)
    grey = overlay_evidence(np.zeros((64, 256, 3), np.uint8), ramp, alpha=1.0) @ np.array([0.299, 0.587, 0.114])
    row = grey[32, 16:240]
    assert (np.diff(row) > -1.5).all()
    assert row[-1] - row[0] > 60
