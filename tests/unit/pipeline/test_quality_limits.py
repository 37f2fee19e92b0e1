"""Limits of technical quality: every validation image keeps them, and what is poorer than any of them doesn't."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from nevus.bundle.schema import QualityLimits
from nevus.imaging import measure_quality, quality_reasons
from nevus.pipeline.quality_limits import choose_quality_limits


def measured(*images: np.ndarray) -> pl.DataFrame:
    rows = [measure_quality(image).as_dict() for image in images]
    return pl.DataFrame({f"q_{name}": [row[name] for row in rows] for name in rows[0]})


def texture(seed: int, contrast: float = 40) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, contrast, (24, 32, 1)).repeat(2, 0).repeat(2, 1).repeat(3, 2)
    return np.clip(130 + noise, 0, 255).astype(np.uint8)


def test_the_poorest_validation_image_decides_with_a_margin() -> None:
    table = pl.DataFrame(
        {"q_sharpness": [50.0, 10.0, 30.0], "q_contrast": [0.2, 0.1, 0.04], "q_over_exposed": [0.0, 0.1, 0.02]}
    )
    few = choose_quality_limits(table, QualityLimits(min_short_side=80))
    assert (few.min_sharpness, few.min_contrast, few.max_over_exposed) == (5.0, 0.02, 0.5)
    assert few.min_short_side == 80
    many = choose_quality_limits(pl.concat([table] * 67), QualityLimits())
    assert many.min_sharpness == pytest.approx(8.0)
    assert many.min_contrast == pytest.approx(0.032)


def test_a_collection_with_burnt_out_images_allows_more_of_them_up_to_all() -> None:
    table = pl.DataFrame({"q_sharpness": [9.0] * 200, "q_contrast": [0.1] * 200, "q_over_exposed": [0.6] * 200})
    assert choose_quality_limits(table, QualityLimits()).max_over_exposed == pytest.approx(0.75)
    all_white = table.with_columns(q_over_exposed=0.9)
    assert choose_quality_limits(all_white, QualityLimits()).max_over_exposed is None


def test_what_was_proven_on_is_usable_and_blank_or_blurred_copies_of_it_are_not() -> None:
    images = [texture(seed) for seed in range(220)]
    limits = choose_quality_limits(measured(*images), QualityLimits(min_short_side=32))
    assert {quality_reasons(measure_quality(image), 64, 48, limits) for image in images} == {()}
    blank = np.full((48, 64, 3), 130, np.uint8)
    assert quality_reasons(measure_quality(blank), 64, 48, limits) == ("blank",)
    smooth = np.linspace(60, 200, 64)[None, :, None].repeat(48, 0).repeat(3, 2).astype(np.uint8)
    assert quality_reasons(measure_quality(smooth), 64, 48, limits) == ("blurred",)
    burnt = texture(0)
    burnt[:, 16:] = 255
    assert quality_reasons(measure_quality(burnt), 64, 48, limits)[-1] == "over_exposed"
