"""The ROC curve with the operating points on it, and the region that the partial AUROC counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

from nevus.evaluation.estimate import Estimate
from nevus.evaluation.results import RocCurve
from nevus.reporting.page.charts.svg import WIDTH, canvas, circle, line, num, polyline, scale, text, ticks
from nevus.reporting.page.formats import format_interval

_LEFT, _RIGHT, _TOP, _BOTTOM = 40, 12, 26, 42
_LINE = 14


@dataclass(frozen=True)
class RocMark:
    """An operating point: where it lies on these images, and whether it is the one that verdicts use."""

    name: str
    sensitivity: Estimate
    specificity: Estimate
    default: bool = False


def roc_chart(
    curve: RocCurve, marks: Sequence[RocMark], *, title: str, floor: float | None = 0.8, width: float = WIDTH
) -> Markup:
    """Sensitivity over false-positive rate in a square frame.

    Args:
        curve: from (0, 0) to (1, 1).
        marks: operating points, each drawn with both its intervals; one without a value isn't drawn.
        title: what a screen reader says, followed by the marks.
        floor: the sensitivity above which the partial AUROC counts, shaded; None for none.
        width: units; one is about a pixel.
    """
    side = width - _LEFT - _RIGHT
    base = _TOP + side
    to_x, to_y = scale(0, 1, _LEFT, _LEFT + side), scale(0, 1, base, _TOP)
    points = list(zip(curve.false_positive_rate, curve.sensitivity, strict=True))
    body = [text(0, 12, "Sensitivity", kind="tick")]
    if floor is not None:
        corners = " ".join(f"{num(to_x(x))},{num(to_y(y))}" for x, y in _above(points, floor))
        body.append(f'<polygon class="region" points="{corners}"/>')
    for value in ticks(0, 1, 5):
        shown = f"{value:g}"
        body.append(line(_LEFT, to_y(value), _LEFT + side, to_y(value), style="grid"))
        body.append(text(_LEFT - 7, to_y(value) + 4, shown, kind="tick", anchor="end"))
        body.append(text(to_x(value), base + 16, shown, kind="tick", anchor="middle"))
    body.append(line(_LEFT, base, _LEFT + side, base, style="axis"))
    body.append(
        text(_LEFT + side / 2, base + 35, "False-positive rate (1 − specificity)", kind="tick", anchor="middle")
    )
    body.append(line(to_x(0), to_y(0), to_x(1), to_y(1), style="reference"))
    body.append(polyline([(to_x(x), to_y(y)) for x, y in points], style="stroke tone-accent"))
    placed: list[tuple[float, float]] = []
    said = []
    for mark in sorted(marks, key=lambda m: m.default):
        if mark.sensitivity.value is None or mark.specificity.value is None:
            continue
        x, y = to_x(1 - mark.specificity.value), to_y(mark.sensitivity.value)
        style = "warm" if mark.default else "accent"
        if mark.sensitivity.low is not None and mark.sensitivity.high is not None:
            body.append(line(x, to_y(mark.sensitivity.low), x, to_y(mark.sensitivity.high), style=f"span tone-{style}"))
        if mark.specificity.low is not None and mark.specificity.high is not None:
            start, stop = to_x(1 - mark.specificity.high), to_x(1 - mark.specificity.low)
            body.append(line(start, y, stop, y, style=f"span tone-{style}"))
        says = f"{mark.name}: sensitivity {_said(mark.sensitivity)}, specificity {_said(mark.specificity)}"
        said.append(says)
        body.append(circle(x, y, 5, style=f"{'fill ring' if mark.default else 'mark'} tone-{style}", says=says))
        at = _free(x + 8, y + 19, placed)
        placed.append(at)
        body.append(text(*at, mark.name, kind="strong" if mark.default else "label"))
    return canvas("".join(body), width=width, height=base + _BOTTOM, title=title, description="; ".join(said))


def _above(points: Sequence[tuple[float, float]], floor: float) -> list[tuple[float, float]]:
    """The corners of the region under the curve and above `floor`."""
    start = 1.0
    for (x0, y0), (x1, y1) in pairwise(points):
        if y1 >= floor:
            start = x1 if y1 == y0 or y0 > floor else x0 + (floor - y0) / (y1 - y0) * (x1 - x0)
            break
    return [(start, floor), *((x, y) for x, y in points if y >= floor and x >= start), (1.0, floor)]


def _free(x: float, y: float, placed: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """The place itself, or as far below it as needed to lie clear of the labels already placed."""
    while any(abs(x - px) < 34 and abs(y - py) < _LINE for px, py in placed):
        y += _LINE
    return x, y


def _said(estimate: Estimate) -> str:
    return format_interval(estimate.value, estimate.low, estimate.high)
