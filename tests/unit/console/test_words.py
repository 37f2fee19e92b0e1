"""Codes become words, and figures keep what they say."""

from __future__ import annotations

import pytest

from evaluation_factory import make_predictions
from nevus.bundle.verdict import REASONS, VERDICTS
from nevus.console import words
from nevus.evaluation.enough_groups import too_few


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.0, "0.0 %"),
        (0.0004, "< 0.1 %"),
        (0.1717, "17.2 %"),
        (0.9996, "> 99.9 %"),
        (1.0, "100.0 %"),
        (None, "–"),
    ],
)
def test_a_small_share_is_never_none_and_a_large_one_never_all(share: float | None, text: str) -> None:
    assert words.percent(share) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.7859, ".786"),
        (1.0, "1.000"),
        (-0.0312, "\N{MINUS SIGN}.031"),
        (-0.0001, ".000"),
        (0.0, ".000"),
        (2.5, "2.500"),
    ],
)
def test_figures_below_one_are_written_as_journals_do(value: float, text: str) -> None:
    assert words.number(value) == text


def test_an_estimate_has_its_interval_where_there_is_one() -> None:
    assert words.estimate({"value": 0.7859, "low": 0.7389, "high": 0.824}) == ".786 (.739 to .824)"
    assert words.estimate({"value": 0.7859, "low": None, "high": None}) == ".786"
    assert words.estimate(0.5) == ".500"
    assert words.estimate(None) == "–"


def test_every_verdict_and_reason_of_the_closed_lists_has_words_of_its_own() -> None:
    assert set(words.VERDICTS) == set(words.TONES) == set(VERDICTS)
    said = [words.reason(code) for code in REASONS]
    assert len(set(said)) == len(REASONS)
    assert all(" " in sentence and sentence.endswith(".") for sentence in said)
    assert all(words.verdict_means(code) for code in VERDICTS)


def test_an_operating_point_is_told_by_its_target() -> None:
    assert words.operating_point("sensitivity_95") == "95 % sensitivity"
    assert words.operating_point("youden_index") == "youden index"
    assert words.operating_point(None) == "none"


def test_names_are_listed_with_and() -> None:
    assert [words.listed(names) for names in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
        "none",
        "a",
        "a and b",
        "a, b and c",
    ]


def test_a_figure_from_too_few_lesions_says_so_instead_of_an_interval() -> None:
    assert words.estimate({"value": 0.0, "low": -0.01, "high": 0.02}) == ".000 (−.010 to .020)"
    one = {"value": 0.0, "low": None, "high": None}
    few = make_predictions([0.5] * 7, [True] * 4 + [False] * 3)
    lacking = {name: one | {"too_few": too_few(few, name)} for name in ("balanced_accuracy", "malignant_auroc")}
    assert words.estimate(lacking["balanced_accuracy"]) == "Too few to compare (7 of 30 needed)"
    told = "Too few to compare (4 of 30 malignant, 3 of 10 benign needed)"
    assert words.estimate(lacking["malignant_auroc"]) == told
    assert words.estimate({"value": 0.5, "low": None, "high": None}) == ".500"


def test_a_documents_title_is_one_heading_among_the_pages() -> None:
    card = "# Model card: ham\n\nOf #1 and # 2.\n\n## The data\n\n### Subgroups\n"
    lowered = "### Model card: ham\n\nOf #1 and # 2.\n\n#### The data\n\n##### Subgroups\n"
    assert words.within_a_page(card) == lowered
