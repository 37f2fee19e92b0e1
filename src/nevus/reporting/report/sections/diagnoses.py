"""Which class is called which: the confusion matrix, and each class against all others."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from nevus.evaluation.results import TEST
from nevus.evaluation.subset_scores import ConfusionMatrix
from nevus.reporting.page.charts.matrix import matrix_chart
from nevus.reporting.page.formats import format_count
from nevus.reporting.report.context import ReportContext
from nevus.reporting.report.sections.forest import Column, Entry, Forest, draw_forest
from nevus.reporting.report.wording import in_a_sentence, several


@dataclass(frozen=True)
class DiagnosesSection:
    """The matrix with its line of reading, and the table of classes."""

    matrix: Markup
    reading: str
    classes: Forest


def describe_diagnoses(context: ReportContext) -> DiagnosesSection | None:
    """The section of the classes; None where the test part wasn't evaluated."""
    scores = context.scores(TEST)
    if scores is None:
        return None
    matrix = scores.confusion
    chart = matrix_chart(matrix.classes, matrix.classes, matrix.counts, title="Confusion matrix of the test part")
    entries = [
        Entry(
            code,
            format_count(found.n_votes),
            (found.recall, found.precision, found.f1, found.auroc),
            "not assessed: no case" if not found.n_votes else "not assessed: too few",
            tone="warm" if code in context.results.malignant else "accent",
        )
        for code, found in scores.per_class.items()
    ]
    columns = [Column("Recall"), Column("Precision", plot=False), Column("F1", plot=False), Column("AUROC", plot=False)]
    caption = "Each class against all others, one vote an image"
    return DiagnosesSection(chart, _commonest_error(matrix), draw_forest(caption, "Class", "Images", columns, entries))


def _commonest_error(matrix: ConfusionMatrix) -> str:
    """The largest count off the diagonal, in words."""
    errors = [
        (n, truth, called)
        for truth, row in zip(matrix.classes, matrix.counts, strict=True)
        for called, n in zip(matrix.classes, row, strict=True)
        if truth != called and n
    ]
    words = "Shading is the share of each row."
    if not errors:
        return f"{words} No image is called a wrong class."
    n, truth, called = max(errors, key=lambda error: error[0])
    return (
        f"{words} The commonest error: {several(n, 'image')} of {in_a_sentence(truth)} called {in_a_sentence(called)}."
    )
