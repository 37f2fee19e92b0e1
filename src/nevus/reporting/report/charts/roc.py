"""The ROC curve with the operating points on it, and the region that the partial AUROC counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

from nevus.evaluation.estimate import Estimate
from nevus.evaluation.subset_scores import RocCurve
from nevus.reporting.page.charts.svg import LETTER, WIDTH, canvas, circle, line, num, polyline, scale, text, ticks
from nevus.reporting.page.formats import format_interval
from nevus.reporting.report.charts.label_places import Box, leader, place_label

_LEFT, _RIGHT, _TOP, _BOTTOM = 40, 12, 26, 42


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
    drawn = [m for m in marks if m.sensitivity.value is not None and m.specificity.value is not None]
    places = {m.name: (to_x(1 - (m.specificity.value or 0)), to_y(m.sensitivity.value or 0)) for m in drawn}
    taken: list[Box] = [(x - 5, y - 5, x + 5, y + 5) for x, y in places.values()]
    for mark in sorted(drawn, key=lambda m: not m.default):
        x, y = places[mark.name]
        label = place_label(x, y, len(mark.name) * LETTER, taken, (_LEFT, _TOP, _LEFT + side, base))
        taken.append(label)
        if (lead := leader(x, y, label)) is not None:
            body.append(line(*lead, style="lead"))
        body.append(text(label[0], label[3] - 3, mark.name, kind="strong" if mark.default else "label"))
    body += [_mark(mark, to_x, to_y) for mark in sorted(drawn, key=lambda m: m.default)]
    said = "; ".join(map(_said, drawn))
    return canvas("".join(body), width=width, height=base + _BOTTOM, title=title, description=said)


def _mark(mark: RocMark, to_x: Callable[[float], float], to_y: Callable[[float], float]) -> str:
    """A dot with both its intervals."""
    sensitivity, specificity, tone = mark.sensitivity, mark.specificity, "warm" if mark.default else "accent"
    x, y = to_x(1 - (specificity.value or 0)), to_y(sensitivity.value or 0)
    drawn = ""
    if sensitivity.low is not None and sensitivity.high is not None:
        drawn += line(x, to_y(sensitivity.low), x, to_y(sensitivity.high), style=f"span tone-{tone}")
    if specificity.low is not None and specificity.high is not None:
        drawn += line(to_x(1 - specificity.high), y, to_x(1 - specificity.low), y, style=f"span tone-{tone}")
    return drawn + circle(x, y, 5, style=f"{'fill ring' if mark.default else 'mark'} tone-{tone}", says=_said(mark))


def _above(points: Sequence[tuple[float, float]], floor: float) -> list[tuple[float, float]]:
    """The corners of the region under the curve and above `floor`."""
    start = 1.0
    for (x0, y0), (x1, y1) in pairwise(points):
        if y1 >= floor:
            start = x1 if y1 == y0 or y0 > floor else x0 + (floor - y0) / (y1 - y0) * (x1 - x0)
            break
    return [(start, floor), *((x, y) for x, y in points if y >= floor and x >= start), (1.0, floor)]


def _said(mark: RocMark) -> str:
    sensitivity, specificity = (format_interval(e.value, e.low, e.high) for e in (mark.sensitivity, mark.specificity))
    return f"{mark.name}: sensitivity {sensitivity}, specificity {specificity}"
