"""The Data page's rows and sentences are read from the bundle's own figures."""

from __future__ import annotations

import pytest

from nevus.api import Bin
from nevus.console import dataset

TEST = {
    "per_class": {
        "nv": {"n_votes": 60, "recall": {"value": 0.9, "low": 0.8, "high": 0.95}},
        "mel": {"n_votes": 30, "recall": {"value": 0.7, "low": None, "high": None}},
        "df": {"n_votes": 10, "recall": {"value": None, "low": None, "high": None}},
    }
}
CONFUSION = {"classes": ["nv", "mel"], "counts": [[50, 10], [6, 24]]}


def bins(*rows: tuple[float | None, float | None, int]) -> list[Bin]:
    return [Bin(low=low, high=high, count=count) for low, high, count in rows]


def test_classes_are_counted_and_the_sentence_says_so() -> None:
    whole = {"malignant": ["mel"], "subsets": {"test": TEST}}
    rows, parts = dataset.class_counts(whole, {})
    assert [(row["name"], row["count"], row["group"]) for row in rows] == [
        ("Nv", 60, "benign"),
        ("Mel", 30, "malignant"),
        ("Df", 10, "benign"),
    ]
    assert parts == "test"
    assert dataset.class_line(rows) == "60.0 % are Nv, 30.0 % are malignant; the rarest, Df, has 10 images."


def test_classes_are_those_of_all_parts_where_the_bundle_tells_them() -> None:
    sizes = {"train": {"classes": {"mel": 200, "nv": 80}}, "test": {"classes": {"nv": 60, "mel": 30, "df": 10}}}
    rows, parts = dataset.class_counts({"malignant": ["mel"], "subsets": {"test": TEST}, "sizes": sizes}, {})
    assert [(row["name"], row["count"]) for row in rows] == [("Mel", 230), ("Nv", 140), ("Df", 10)]
    assert parts == "all parts"


def test_a_class_without_the_score_is_left_out_and_one_without_interval_has_none() -> None:
    rows = dataset.class_scores(TEST, "recall", ["mel"], {})
    assert [(row["name"], row["low"], row["value"], row["high"]) for row in rows] == [
        ("Nv (60)", 0.8, 0.9, 0.95),
        ("Mel (30)", 0.7, 0.7, 0.7),
    ]
    assert dataset.spread_line(rows).startswith("Best for Nv (60): .900 (.800 to .950); worst for Mel (30): .700.")
    assert dataset.class_scores(TEST, "auroc", ["mel"], {}) == []


def test_ages_middle_half_is_read_off_the_bars_and_what_they_lack_is_told() -> None:
    found = bins((None, 20, 4), (20, 40, 30), (40, 60, 40), (60, 80, 20), (80, None, 6), (None, None, 9))
    assert dataset.age_line(found) == (
        "The middle half is between about 20 and 80 years old; the age of 9 isn't known. 10 lie beyond the bars."
    )


def test_ages_of_nobody_are_told_so() -> None:
    assert dataset.age_line(bins((None, None, 9))) == "The age is known of nobody."


def test_the_unknown_stands_last_however_frequent() -> None:
    found = [Bin(level="torso", count=3), Bin(level="null", count=9), Bin(level="head/neck", count=5)]
    rows = dataset.level_counts(found)
    assert [row["name"] for row in rows] == ["Head/neck", "Torso", "Not known"]
    assert dataset.level_line(rows) == "Most often Head/neck (29.4 %); not known of 9 of 17."


def test_the_confusion_is_a_share_of_the_truth_and_names_the_most_frequent_mistake() -> None:
    rows = dataset.confusion_rows(CONFUSION, {})
    assert rows[0]["name"] == "Nv (nv)"
    found = {(row["truth"], row["answer"]): (row["count"], row["share"]) for row in rows}
    assert found["nv", "mel"] == (10, pytest.approx(10 / 60))
    assert found["mel", "mel"] == (24, pytest.approx(0.8))
    assert dataset.confusion_line(rows, {}) == "The most frequent mistake: Nv taken for Mel, 10 images."


def test_a_subgroup_that_is_too_small_shows_no_score() -> None:
    small = {
        "level": "<30",
        "n_images": 9,
        "n_malignant_groups": 1,
        "status": "too_small",
        "reason": "1 malignant group of the 30 needed, 4 benign groups of the 10 needed",
        "metrics": {"balanced_accuracy": {"value": 0.99, "low": 0.9, "high": 1.0}},
    }
    large = {**small, "level": "60-74", "status": "ok", "reason": None}
    rows = dataset.subgroup_rows({"age_band": [small, large]})
    assert [(row["Subgroup"], row["Balanced accuracy"]) for row in rows] == [
        ("Age: <30", "–"),
        ("Age: 60-74", ".990 (.900 to 1.000)"),
    ]
    assert [row["Too small"] for row in rows] == ["1 of 30 malignant groups, 4 of 10 benign groups", ""]


@pytest.mark.parametrize(
    ("score", "name"),
    [
        ("balanced_accuracy", "Balanced accuracy"),
        ("malignant_auroc", "Malignant AUROC"),
        ("ece", "Expected calibration error (lower is better)"),
        ("specificity_at_sensitivity_90", "Specificity at 90 % sensitivity"),
        ("macro_f1", "Macro F1"),
    ],
)
def test_scores_have_names(score: str, name: str) -> None:
    assert dataset.score_name(score) == name
