"""Malignant or not: the ROC curve, and what each operating point does."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from nevus.evaluation.results import TEST
from nevus.evaluation.subset_scores import Scores
from nevus.reporting.page.charts import Series, line_chart
from nevus.reporting.page.formats import format_count, format_number
from nevus.reporting.report.charts import RocMark, reliability_chart, roc_chart
from nevus.reporting.report.context import ReportContext
from nevus.reporting.report.wording import in_a_sentence, listed, missing_reason, shown, target_name

PAUC_FLOOR = 0.8


@dataclass(frozen=True)
class MalignancySection:
    """Charts (None where there is no malignant case) and the table of operating points."""

    malignant: str
    roc: Markup | None
    roc_reading: str
    precision_recall: Markup | None
    precision_recall_reading: str
    reliability: Markup | None
    columns: list[tuple[str, bool]]
    rows: list[list[str]]


OPERATING_COLUMNS = [
    ("Aimed at", False),
    ("Threshold", True),
    ("Sensitivity on validation", True),
    ("Sensitivity on test", True),
    ("Specificity on test", True),
    ("Melanoma sensitivity", True),
    ("Missed", True),
    ("False alarms", True),
]


def describe_malignancy(context: ReportContext) -> MalignancySection | None:
    """The section of the malignant probability; None where the test part wasn't evaluated."""
    scores = context.scores(TEST)
    if scores is None:
        return None
    auroc, pauc, average = (
        shown(scores.metrics.get(name), missing_reason(name, context.results, scores))
        for name in ("malignant_auroc", "malignant_pauc", "malignant_average_precision")
    )
    return MalignancySection(
        malignant=listed([in_a_sentence(code) for code in context.results.malignant]),
        roc=_roc(context, scores),
        roc_reading=f"AUROC {auroc}. The shaded part above 80 % sensitivity has an area of {pauc}, at most .200.",
        precision_recall=_precision_recall(scores),
        precision_recall_reading=f"Average precision {average}; the grey line is the share that is malignant, "
        f"{format_number(_prevalence(scores))}.",
        reliability=_reliability(scores),
        columns=OPERATING_COLUMNS,
        rows=operating_rows(context),
    )


def operating_rows(context: ReportContext) -> list[list[str]]:
    """One row an operating point: what it aimed at on validation, and what it does on the test part."""
    scores = context.scores(TEST)
    if scores is None:
        return []
    rows = []
    default = context.default_point(scores)
    for found in scores.operating_points:
        shipped = next((p for p in context.results.operating_points if p.name == found.name), None)
        mark = ", default" if default is not None and found.name == default.name else ""
        malignant = found.true_positives + found.false_negatives
        benign = found.false_positives + found.true_negatives
        rows.append(
            [
                f"{_aim(found.target_sensitivity)}{mark}",
                format_number(found.threshold, 4),
                shown(shipped.sensitivity if shipped else None, "not recorded"),
                shown(found.sensitivity, "no malignant case"),
                shown(found.specificity, "no benign case"),
                shown(found.melanoma_sensitivity, "no melanoma known as such"),
                f"{format_count(found.false_negatives)} of {format_count(malignant)}",
                f"{format_count(found.false_positives)} of {format_count(benign)}",
            ]
        )
    return rows


def _aim(target: float | None) -> str:
    return "stated threshold" if target is None else f"{target_name(target)} sensitivity"


def _roc(context: ReportContext, scores: Scores) -> Markup | None:
    if scores.malignant_roc is None:
        return None
    default = context.default_point(scores)
    marks = [
        RocMark(
            target_name(point.target_sensitivity),
            point.sensitivity,
            point.specificity,
            default is not None and point.name == default.name,
        )
        for point in scores.operating_points
    ]
    return roc_chart(scores.malignant_roc, marks, title="ROC curve, malignant against benign", floor=PAUC_FLOOR)


def _precision_recall(scores: Scores) -> Markup | None:
    curve = scores.malignant_precision_recall
    if curve is None:
        return None
    series = [Series("", curve.recall, curve.precision)]
    prevalence = _prevalence(scores)
    if prevalence is not None:
        series.insert(0, Series("", (0.0, 1.0), (prevalence, prevalence), "quiet"))
    return line_chart(
        series,
        title="Precision over sensitivity, malignant against benign",
        x_label="Sensitivity (recall)",
        y_label="Precision",
        x_range=(0.0, 1.0),
        y_range=(0.0, 1.0),
        height=390,
    )


def _reliability(scores: Scores) -> Markup | None:
    if not any(b.count for b in scores.malignant_reliability):
        return None
    return reliability_chart(
        scores.malignant_reliability,
        title="Reliability of the malignant probability",
        x_label="Stated malignant probability",
        y_label="Share that is malignant",
    )


def _prevalence(scores: Scores) -> float | None:
    """The share of votes that is malignant, from the counts at any operating point."""
    if not scores.operating_points:
        return None
    point = scores.operating_points[0]
    malignant = point.true_positives + point.false_negatives
    total = malignant + point.false_positives + point.true_negatives
    return malignant / total if total else None
