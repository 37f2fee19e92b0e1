from __future__ import annotations

import numpy as np
import pytest

from evaluation_factory import make_predictions
from nevus.evaluation.enough_groups import too_few

FIGURES = ("balanced_accuracy", "malignant_auroc", "malignant_sensitivity", "malignant_specificity")


def lacking(malignant: int, benign: int, **own: object) -> set[str]:
    """The figures that have no interval with so many malignant and benign lesions."""
    truth = [True] * malignant + [False] * benign
    rows = make_predictions([0.5] * len(truth), truth, **own)
    return {figure for figure in FIGURES if too_few(rows, figure)}


@pytest.mark.parametrize(
    ("malignant", "benign", "expected"),
    [
        (30, 10, set()),
        (29, 10, {"malignant_auroc", "malignant_sensitivity"}),
        (30, 9, {"malignant_auroc", "malignant_specificity"}),
        (5, 24, {"balanced_accuracy", "malignant_auroc", "malignant_sensitivity"}),
        (1, 0, set(FIGURES)),
    ],
)
def test_each_figure_needs_those_that_carry_it(malignant: int, benign: int, expected: set[str]) -> None:
    assert lacking(malignant, benign) == expected


def test_many_images_of_few_patients_are_few() -> None:
    assert lacking(60, 60, groups=["a", "b"] * 60) == set(FIGURES)


def test_lesions_of_no_class_carry_no_score_of_classes() -> None:
    assert lacking(30, 30, labels=np.full(60, -1)) == {"balanced_accuracy"}


def test_it_says_how_many_there_are_and_how_many_it_takes() -> None:
    rows = make_predictions([0.9], [True])
    assert too_few(rows, "malignant_auroc") == (
        "too few: 1 of the 30 malignant patients or lesions needed, 0 of the 10 benign patients or lesions needed"
    )
