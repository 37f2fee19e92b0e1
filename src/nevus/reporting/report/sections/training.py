"""How the training went, epoch by epoch."""

from __future__ import annotations

import math
from dataclasses import dataclass

from markupsafe import Markup

from nevus.evaluation.metrics import METRICS
from nevus.reporting.page.charts import Series, Tone, line_chart
from nevus.reporting.page.charts.svg import ticks
from nevus.reporting.page.formats import format_number
from nevus.reporting.report.context import ReportContext

_LOSSES = ("validation_loss", "validation_nll")
_SCORES: tuple[tuple[str, Tone], ...] = (("balanced_accuracy", "accent"), ("malignant_auroc", "third"))
_PHASES = {"head": "head only", "all": "all layers"}


@dataclass(frozen=True)
class Curve:
    """A chart with its title and one line of reading."""

    title: str
    reading: str
    chart: Markup


@dataclass(frozen=True)
class TrainingSection:
    """Curves; `reason` says why there are none."""

    curves: list[Curve]
    reason: str


def describe_training(context: ReportContext) -> TrainingSection:
    """The training's section."""
    if not context.history:
        return TrainingSection([], "not assessed: this model's training history isn't known to the report.")
    curves = [c for c in (_losses(context), _scores(context), _rate(context)) if c is not None]
    return TrainingSection(curves, "" if curves else "not assessed: the history holds no figure.")


def _losses(context: ReportContext) -> Curve | None:
    series = [_series(context, "train_loss", "training", "third")]
    key = next((k for k in _LOSSES if _points(context, k)), None)
    if key:
        series.append(_series(context, key, "validation", "accent"))
    series = [s for s in series if s.y]
    if not series:
        return None
    top = max(v for s in series for v in s.y) * 1.05
    words = "Compare shapes, not heights: training is measured on augmented images by the training loss."
    return Curve("Loss", words, _chart(context, series, "Loss by epoch", "Loss", (0.0, top)))


def _scores(context: ReportContext) -> Curve | None:
    series = [_series(context, f"validation_{name}", _in_words(name, capital=True), tone) for name, tone in _SCORES]
    series = [s for s in series if s.y]
    if not series:
        return None
    low = math.floor(min(v for s in series for v in s.y) * 10 - 1e-9) / 10
    words = "Measured on the validation part after each epoch."
    primary = context.results.primary_metric
    kept = _at(context, f"validation_{primary}", context.best_epoch)
    if kept is not None:
        words = f"Epoch {context.best_epoch} was kept: {_in_words(primary)} {format_number(kept)} on validation."
    return Curve(
        "Validation", words, _chart(context, series, "Validation scores by epoch", "Score", (max(low, 0.0), 1.0))
    )


def _rate(context: ReportContext) -> Curve | None:
    series = _series(context, "learning_rate", "", "quiet")
    if not series.y:
        return None
    chart = _chart(context, [series], "Learning rate by epoch", "Learning rate", (0.0, max(series.y) * 1.05 or 1.0))
    return Curve("Learning rate", "Of the last layers, at the end of each epoch.", chart)


def _chart(
    context: ReportContext, series: list[Series], title: str, y_label: str, y_range: tuple[float, float]
) -> Markup:
    epochs = [x for s in series for x in s.x]
    return line_chart(
        series,
        title=title,
        x_label="Epoch",
        y_label=y_label,
        x_range=(min(epochs), max(epochs)),
        y_range=y_range,
        x_ticks=[v for v in ticks(min(epochs), max(epochs), 5) if v == round(v)],
        verticals=_verticals(context),
    )


def _verticals(context: ReportContext) -> list[tuple[float, str]]:
    """Where a phase begins, after the first, and which epoch was kept."""
    found: list[tuple[float, str]] = []
    previous: object = None
    for entry in context.history:
        phase, epoch = entry.get("phase"), entry.get("epoch")
        if previous is not None and phase != previous and isinstance(epoch, (int, float)):
            found.append((float(epoch), _PHASES.get(str(phase), str(phase))))
        previous = phase
    if context.best_epoch is not None:
        found.append((float(context.best_epoch), "kept"))
    return found


def _series(context: ReportContext, key: str, name: str, tone: Tone) -> Series:
    points = _points(context, key)
    return Series(name, [x for x, _ in points], [y for _, y in points], tone, dots=len(points) < 40)


def _points(context: ReportContext, key: str) -> list[tuple[float, float]]:
    """The epochs at which the figure exists."""
    found = []
    for entry in context.history:
        epoch, value = entry.get("epoch"), entry.get(key)
        if isinstance(epoch, (int, float)) and isinstance(value, (int, float)) and math.isfinite(value):
            found.append((float(epoch), float(value)))
    return found


def _in_words(metric: str, *, capital: bool = False) -> str:
    title = METRICS[metric].title.replace("AUROC, malignant", "malignant AUROC") if metric in METRICS else metric
    return (title[:1].upper() if capital else title[:1].lower()) + title[1:]


def _at(context: ReportContext, key: str, epoch: int | None) -> float | None:
    return next((y for x, y in _points(context, key) if x == epoch), None)
