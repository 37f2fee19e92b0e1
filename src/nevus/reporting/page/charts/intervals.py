"""Points with their intervals: a score by subgroup."""

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
    rectangle,
    row_label,
    scale,
    text,
    ticks,
)

_ROW = 24
_GAP = 10
_FOOT = 22


@dataclass(frozen=True)
class Interval:
    """A score and its interval; `value` None where there is nothing to judge, and `shown` then says why."""

    label: str
    value: float | None
    low: float | None = None
    high: float | None = None
    shown: str = ""
    tone: Tone = "accent"


def interval_chart(
    rows: Sequence[Interval],
    *,
    title: str,
    low: float = 0.0,
    high: float = 1.0,
    reference: float | None = None,
    width: float = WIDTH,
) -> Markup:
    """One row a subgroup: a dot at its score with a line from the interval's lower to its upper end.

    Args:
        rows: from top to bottom.
        title: what a screen reader says, followed by every row.
        low: value at the left edge; an interval that goes beyond is cut there.
        high: value at the right edge.
        reference: a value to compare with, drawn as a dashed line.
        width: units; one is about a pixel.
    """
    label_room = min(max((len(row.label) for row in rows), default=0) * LETTER, width * 0.42)
    value_room = max((len(row.shown) for row in rows), default=0) * LETTER
    left, right = label_room + _GAP, width - value_room - _GAP
    to_x = scale(low, high, left, right)

    def inside(value: float) -> float:
        return to_x(min(max(value, low), high))

    height = len(rows) * _ROW + _FOOT
    body = []
    for value in ticks(low, high, 4):
        body.append(line(to_x(value), 2, to_x(value), height - _FOOT, style="grid"))
        body.append(text(to_x(value), height - 6, f"{value:g}", kind="tick", anchor="middle"))
    if reference is not None:
        body.append(line(inside(reference), 0, inside(reference), height - _FOOT, style="reference"))
    for k, row in enumerate(rows):
        middle = k * _ROW + _ROW / 2
        body.append(row_label(label_room, middle, row.label, label_room))
        says = f"{row.label}: {row.shown or row.value}"
        if row.value is not None:
            if row.low is not None and row.high is not None:
                start, stop = inside(row.low), inside(row.high)
                body.append(rectangle(start, middle - 1.5, stop - start, 3, style=f"whisker tone-{row.tone}"))
            body.append(circle(inside(row.value), middle, 4.5, style=f"fill tone-{row.tone}", says=says))
        body.append(text(width, middle + 4, row.shown, kind="value" if row.value is not None else "tick", anchor="end"))
    said = "; ".join(f"{row.label}: {row.shown or row.value}" for row in rows)
    return canvas("".join(body), width=width, height=height, title=title, description=said)
