"""The same model counted in other ways: by lesion, histology only, without what it refuses; and every score."""

from __future__ import annotations

from dataclasses import dataclass

from nevus.evaluation.estimate import Estimate
from nevus.evaluation.metrics import METRICS
from nevus.evaluation.results import TEST, TEST_ANSWERED, TEST_HISTOLOGY, TEST_LESION
from nevus.evaluation.subset_scores import Scores
from nevus.reporting.page.formats import format_count
from nevus.reporting.report.context import ReportContext
from nevus.reporting.report.sections.forest import Column, Entry, Forest, draw_forest
from nevus.reporting.report.wording import SUBSETS, missing_reason, shown

_ABSENT = {
    TEST_LESION: "not evaluated",
    TEST_HISTOLOGY: "the data don't say how the diagnoses were confirmed",
    TEST_ANSWERED: "no image was refused",
}


@dataclass(frozen=True)
class ViewsSection:
    """The main scores drawn by subset, and every score in a table."""

    forest: Forest
    columns: list[tuple[str, bool]]
    rows: list[list[str]]


def describe_views(context: ReportContext) -> ViewsSection | None:
    """The section of the views; None where the test part wasn't evaluated."""
    if context.scores(TEST) is None:
        return None
    entries = [_entry(context, subset) for subset in SUBSETS]
    columns = [Column("Balanced accuracy"), Column("AUROC, malignant"), Column("Sensitivity, malignant")]
    forest = draw_forest("The main scores, counted in four ways", "View", "Votes", columns, entries)
    subsets = [s for s in SUBSETS if context.scores(s) is not None]
    return ViewsSection(
        forest,
        [("Score", False), *((SUBSETS[s], True) for s in subsets)],
        score_rows(context, subsets),
    )


def score_rows(context: ReportContext, subsets: list[str]) -> list[list[str]]:
    """One row a score, one cell a subset, in the order of `METRICS`; then any score of another name."""
    first = context.results.subsets[TEST].metrics
    names = [name for name in METRICS if name in first] + sorted(set(first) - set(METRICS))
    rows = []
    for name in names:
        title = METRICS[name].title if name in METRICS else name
        if name in METRICS and not METRICS[name].higher_is_better:
            title += " (lower is better)"
        rows.append([title, *(_score(context, context.scores(s), name) for s in subsets)])
    return rows


def _entry(context: ReportContext, subset: str) -> Entry:
    scores = context.scores(subset)
    if scores is None:
        return Entry(SUBSETS[subset], "–", (None, None, None), f"not assessed: {_ABSENT.get(subset, 'not evaluated')}")
    point = context.default_point(scores)
    figures: tuple[Estimate | None, ...] = (
        scores.metrics.get("balanced_accuracy"),
        scores.metrics.get("malignant_auroc"),
        point.sensitivity if point else None,
    )
    return Entry(SUBSETS[subset], format_count(scores.n_votes), figures, "not assessed: too few cases")


def _score(context: ReportContext, scores: Scores | None, name: str) -> str:
    return shown(scores.metrics.get(name) if scores else None, missing_reason(name, context.results, scores))
