from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nevus.data.duplicates.geometry import align
from nevus.data.duplicates.keypoints import Keypoints, extract_keypoints
from nevus.data.duplicates.matching import match_keypoints


def drawn_keypoints(seed: int, count: int = 40) -> Keypoints:
    random = np.random.default_rng(seed)
    frames = np.column_stack(
        [
            random.uniform(0, 300, count),
            random.uniform(0, 225, count),
            random.uniform(3, 12, count),
            random.uniform(-np.pi, np.pi, count),
        ]
    ).astype(np.float32)
    histograms = random.dirichlet(np.full(128, 0.3), count)
    return Keypoints(frames, (np.sqrt(histograms) * 255).astype(np.uint8))


def moved(keypoints: Keypoints, turn: complex, shift: complex) -> Keypoints:
    place = turn * (keypoints.frames[:, 0] + 1j * keypoints.frames[:, 1]) + shift
    frames = np.column_stack(
        [place.real, place.imag, keypoints.frames[:, 2] * abs(turn), keypoints.frames[:, 3] + np.angle(turn)]
    )
    return Keypoints(frames.astype(np.float32), keypoints.descriptors)


def test_matches_are_mutual_nearest_neighbours() -> None:
    a = drawn_keypoints(0)
    order = np.random.default_rng(1).permutation(len(a))
    matches = match_keypoints(a, Keypoints(a.frames[order], a.descriptors[order]))
    np.testing.assert_array_equal(matches[:, 0], np.arange(len(a)))
    np.testing.assert_array_equal(order[matches[:, 1]], np.arange(len(a)))


def test_a_structure_that_repeats_is_not_matched() -> None:
    a = drawn_keypoints(0)
    twice = Keypoints(np.tile(a.frames, (2, 1)), np.tile(a.descriptors, (2, 1)))
    assert len(match_keypoints(a, twice)) == 0


@settings(max_examples=40, deadline=None)
@given(
    scale=st.floats(0.3, 3.5),
    degrees=st.floats(-180, 180),
    x=st.floats(-100, 100),
    y=st.floats(-100, 100),
    seed=st.integers(0, 99),
)
def test_a_similarity_is_recovered_among_as_many_wrong_matches(
    scale: float, degrees: float, x: float, y: float, seed: int
) -> None:
    a = drawn_keypoints(seed)
    turn, shift = scale * np.exp(1j * np.deg2rad(degrees)), x + 1j * y
    b = moved(a, turn, shift)
    wrong = drawn_keypoints(seed + 1000).frames[:20]
    frames = np.concatenate([wrong, b.frames[20:]])
    alignment = align(a, Keypoints(frames, b.descriptors))
    assert alignment is not None
    expected = np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])
    corners = np.array([[0, 0, 1], [300, 0, 1], [0, 225, 1], [300, 225, 1]], float)
    assert np.abs(corners @ (alignment.matrix - expected).T).max() < 2 * max(scale, 1)
    assert set(range(20, 40)) <= set(alignment.inliers[:, 0].tolist())
    assert alignment.scale == pytest.approx(scale, rel=0.02)


def test_a_mirrored_copy_is_found_only_when_mirrored_is_asked_for(lesion, again) -> None:
    image = lesion(3)
    copy, matrix = again(image, scale=1.3, degrees=40, mirrored=True)
    a, b = extract_keypoints(image, 300), extract_keypoints(copy, 300)
    plain, flipped = align(a, b), align(a, b, mirrored=True)
    assert plain is None or plain.independent <= 5
    assert flipped is not None
    assert flipped.independent > 20
    assert np.linalg.det(flipped.matrix[:, :2]) < 0
    corners = np.array([[0, 0, 1], [299, 0, 1], [0, 224, 1], [299, 224, 1]], float)
    assert np.abs(corners @ (flipped.matrix - matrix).T).max() < 3


def test_rotation_is_told_anticlockwise(lesion, again) -> None:
    image = lesion(4)
    turned = np.ascontiguousarray(np.rot90(image))  # anticlockwise as one sees it
    alignment = align(extract_keypoints(image, 300), extract_keypoints(turned, 300))
    assert alignment is not None
    assert alignment.rotation == pytest.approx(90, abs=1)
    assert alignment.scale == pytest.approx(1, abs=0.01)


def test_unrelated_lesions_agree_by_chance_only(lesion) -> None:
    keypoints = [extract_keypoints(lesion(seed), 300) for seed in range(10, 20)]
    chance = [align(a, b) for i, a in enumerate(keypoints) for b in keypoints[i + 1 :]]
    assert max(c.independent for c in chance if c is not None) <= 6


def test_inliers_of_one_small_thing_are_not_independent() -> None:
    a = drawn_keypoints(5, 30)
    a.frames[:, :2] = 50 + a.frames[:, :2] % 6  # thirty keypoints on a ruler's two letters
    alignment = align(a, moved(a, 1 + 0j, 30 + 20j))
    assert alignment is not None
    assert len(alignment.inliers) == 30
    assert alignment.independent == 1


def test_too_few_keypoints_have_no_geometry() -> None:
    a = drawn_keypoints(6, 2)
    assert align(a, a) is None
    assert align(drawn_keypoints(6, 0), a) is None
