from __future__ import annotations

import numpy as np
import pytest

from nevus.data.duplicates.appearance import compare_aligned

SAME = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])


def test_an_image_agrees_with_itself(lesion) -> None:
    agreement = compare_aligned(lesion(0), lesion(0), SAME)
    assert agreement.correlation == pytest.approx(1, abs=0.01)
    assert agreement.overlap > 0.85


@pytest.mark.parametrize(
    "changes",
    [
        {"degrees": 30.0},
        {"scale": 2.2, "degrees": -75.0},
        {"scale": 0.5},
        {"mirrored": True},
        {"gain": 0.6},
        {"noise": 4.0},
    ],
)
def test_a_second_photograph_agrees_when_laid_right_and_not_when_laid_wrong(lesion, again, changes) -> None:
    image = lesion(1)
    copy, matrix = again(image, **changes)
    right = compare_aligned(image, copy, matrix)
    wrong = compare_aligned(image, copy, matrix + np.array([[0, 0, 14.0], [0, 0, -9.0]]))
    assert right.correlation > 0.6
    assert abs(wrong.correlation) < 0.25


def test_two_lesions_of_one_shape_do_not_agree(lesion) -> None:
    for seed in range(2, 8):
        assert abs(compare_aligned(lesion(seed), lesion(seed + 50), SAME).correlation) < 0.2


def test_a_dark_surround_is_not_evidence(lesion) -> None:
    y, x = np.mgrid[:225, :300]
    field = (np.hypot(x - 150, y - 112) < 100)[..., None]
    a, b = lesion(9) * field, lesion(60) * field
    assert abs(compare_aligned(a.astype(np.uint8), b.astype(np.uint8), SAME).correlation) < 0.2


def test_too_little_overlap_is_no_evidence(lesion) -> None:
    away = np.array([[1.0, 0.0, 292.0], [0.0, 1.0, 0.0]])
    assert compare_aligned(lesion(0), lesion(0), away).correlation == 0
