"""Whether the model knows what it doesn't know: reliability, risk and coverage, prediction sets."""

from __future__ import annotations

from dataclasses import dataclass

from nevus.evaluation.results import TEST
from nevus.evaluation.subset_scores import RiskCoverage, Scores
from nevus.reporting.page.charts import Bar, Series, horizontal_bars, line_chart
from nevus.reporting.page.formats import format_number, format_share
from nevus.reporting.report.charts import reliability_chart
from nevus.reporting.report.context import ReportContext
from nevus.reporting.report.sections.training import Curve
from nevus.reporting.report.wording import missing_reason, percent, several, shown

_ANSWERED = 0.8


@dataclass(frozen=True)
class ConfidenceSection:
    """Charts, and what the temperature did (None where that isn't known)."""

    calibration: str
    charts: list[Curve]


def describe_confidence(context: ReportContext) -> ConfidenceSection | None:
    """The section of the stated probabilities; None where the test part wasn't evaluated."""
    scores = context.scores(TEST)
    if scores is None:
        return None
    ece = shown(scores.metrics.get("ece"), missing_reason("ece", context.results, scores))
    charts = []
    if any(b.count for b in scores.reliability):
        charts.append(
            Curve(
                "Reliability of the diagnosis",
                f"On the diagonal, it is as often right as it says. Mean gap (ECE) {ece}. "
                "A hollow dot stands for fewer than ten images.",
                reliability_chart(
                    scores.reliability,
                    title="Reliability of the highest class probability",
                    x_label="Stated probability of the called class",
                    y_label="Share called rightly",
                ),
            )
        )
    if scores.risk_coverage.coverage:
        charts.append(_risk_coverage(scores))
    sets = _prediction_sets(scores)
    return ConfidenceSection(_calibration(context, ece), charts + ([sets] if sets else []))


def _calibration(context: ReportContext, ece: str) -> str:
    found = context.results.calibration
    if found is None:
        return (
            f"Expected calibration error on the test part: {ece}. "
            "What it was before a temperature was fitted: not assessed."
        )
    return (
        f"A temperature of {format_number(found.temperature, 2)}, fitted on {found.measured_on}, took the expected "
        f"calibration error there from {format_number(found.ece_before)} to {format_number(found.ece_after)}. "
        f"On the test part it is {ece}."
    )


def _risk_coverage(scores: Scores) -> Curve:
    curve = scores.risk_coverage
    full = curve.risk[-1]
    reading = f"Answering all images, {percent(full)} of the calls are wrong"
    at = _risk_at(curve, _ANSWERED)
    if at is not None:
        coverage, risk = at
        reading += f"; answering the most confident {percent(coverage, 0)}, {percent(risk)}"
    marks = [(at[0], at[1], percent(at[1]))] if at else []
    chart = line_chart(
        [Series("", curve.coverage, curve.risk, marks=marks)],
        title="Error rate among the most confident share of the images",
        x_label="Share of images answered",
        y_label="Share called wrongly",
        x_range=(0.0, 1.0),
        y_range=(0.0, max(*curve.risk, 0.05) * 1.05),
        height=370,
    )
    return Curve("Risk and coverage", reading + ".", chart)


def _risk_at(curve: RiskCoverage, coverage: float) -> tuple[float, float] | None:
    """The point of the curve that is nearest to this coverage, if any is near."""
    nearest = min(zip(curve.coverage, curve.risk, strict=True), key=lambda point: abs(point[0] - coverage))
    return nearest if abs(nearest[0] - coverage) < 0.02 else None


def _prediction_sets(scores: Scores) -> Curve | None:
    sets = scores.prediction_sets
    if sets is None:
        return None
    total = sum(sets.size_counts)
    bars = [
        Bar(several(size, "class", "classes"), n, format_share(n, total))
        for size, n in enumerate(sets.size_counts)
        if n or size == 1
    ]
    return Curve(
        "Prediction sets",
        f"Made to hold the true class in {percent(sets.target_coverage, 0)} of images; they do in "
        f"{shown(sets.coverage)}, and hold {format_number(sets.mean_size.value, 2)} classes on average.",
        horizontal_bars(bars, title="Images by size of the prediction set"),
    )
