"""Lines over two axes: learning curves, ROC, reliability, risk and coverage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from nevus.reporting.page.charts.svg import (
    LETTER,
    WIDTH,
    Tone,
    canvas,
    circle,
    line,
    polyline,
    rectangle,
    scale,
    text,
    ticks,
)

_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 10, 8, 40


@dataclass(frozen=True)
class Series:
    """A line through points; `dots` marks each of them, and `marks` names single ones (x, y, what it says)."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    tone: Tone = "accent"
    dots: bool = False
    line: bool = True
    marks: Sequence[tuple[float, float, str]] = ()


def line_chart(
    series: Sequence[Series],
    *,
    title: str,
    x_label: str,
    y_label: str,
    x_range: tuple[float, float] | None = None,
    y_range: tuple[float, float] | None = None,
    diagonal: bool = False,
    x_ticks: Sequence[float] | None = None,
    verticals: Sequence[tuple[float, str]] = (),
    width: float = WIDTH,
    height: float = 250,
) -> Markup:
    """Lines in one frame, with a legend where there are several.

    Args:
        series: drawn in their order, later ones on top.
        title: what a screen reader says.
        x_label: quantity and unit of the horizontal axis.
        y_label: of the vertical axis.
        x_range: ends of the axis; by default those of the data.
        y_range: likewise.
        diagonal: draw the dashed line from the lower left to the upper right corner (chance, or perfect calibration).
        x_ticks: values named on the horizontal axis; by default round ones.
        verticals: (x, name): dashed lines over the full height, named at their top: a phase that begins, a choice.
        width: units; one is about a pixel.
        height: units.
    """
    named = [s for s in series if s.name]
    legend = 18 if len(named) > 1 else 0
    low_x, high_x = x_range or _ends([v for s in series for v in s.x])
    low_y, high_y = y_range or _ends([v for s in series for v in s.y])
    top, base = _TOP + legend + 16, height - _BOTTOM
    to_x, to_y = scale(low_x, high_x, _LEFT, width - _RIGHT), scale(low_y, high_y, base, top)
    body = [text(0, top - 9, y_label, kind="tick")]
    for value in ticks(low_y, high_y, 4):
        body.append(line(_LEFT, to_y(value), width - _RIGHT, to_y(value), style="grid"))
        body.append(text(_LEFT - 6, to_y(value) + 4, f"{value:g}", kind="tick", anchor="end"))
    for value in x_ticks if x_ticks is not None else ticks(low_x, high_x, 5):
        body.append(text(to_x(value), base + 15, f"{value:g}", kind="tick", anchor="middle"))
    body.append(line(_LEFT, base, width - _RIGHT, base, style="axis"))
    body.append(text((_LEFT + width - _RIGHT) / 2, height - 6, x_label, kind="tick", anchor="middle"))
    if diagonal:
        body.append(line(to_x(low_x), to_y(low_y), to_x(high_x), to_y(high_y), style="reference"))
    for x, name in verticals:
        body.append(line(to_x(x), top - 4, to_x(x), base, style="reference"))
        late = to_x(x) > width * 0.75
        body.append(text(to_x(x) + (-4 if late else 4), top + 5, name, kind="tick", anchor="end" if late else "start"))
    for s in series:
        points = [(to_x(x), to_y(y)) for x, y in zip(s.x, s.y, strict=True)]
        if s.line and points:
            body.append(polyline(points, style=f"stroke tone-{s.tone}"))
        for x, y in points if s.dots else ():
            body.append(circle(x, y, 3, style=f"fill tone-{s.tone}"))
        for x, y, says in s.marks:
            body.append(circle(to_x(x), to_y(y), 5, style=f"mark tone-{s.tone}", says=says))
            near_right = to_x(x) > width * 0.6
            body.append(
                text(to_x(x) + (-9 if near_right else 9), to_y(y) + 15, says, anchor="end" if near_right else "start")
            )
    x_at = float(_LEFT)
    for s in named if legend else ():
        body += [rectangle(x_at, 5, 12, 4, style=f"fill tone-{s.tone}"), text(x_at + 17, 11, s.name, kind="tick")]
        x_at += 17 + len(s.name) * LETTER + 12
    return canvas("".join(body), width=width, height=height, title=title)


def _ends(values: Sequence[float]) -> tuple[float, float]:
    return (min(values), max(values)) if values else (0.0, 1.0)
