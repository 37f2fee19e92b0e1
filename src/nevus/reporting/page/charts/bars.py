"""Horizontal bars: one quantity by category."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from nevus.reporting.page.charts.svg import LETTER, WIDTH, Tone, canvas, line, rectangle, row_label, scale, text

_ROW = 26
_THICK = 14
_GAP = 8


@dataclass(frozen=True)
class Bar:
    """One bar: `shown` is what stands at its end, by default the value itself.

    `part` is how much of the value is drawn in the tone `part_tone`, from the left; `part_says` tells it in words.
    """

    label: str
    value: float
    shown: str | None = None
    tone: Tone = "accent"
    part: float = 0.0
    part_tone: Tone = "warm"
    part_says: str = ""


def horizontal_bars(bars: Sequence[Bar], *, title: str, maximum: float | None = None, width: float = WIDTH) -> Markup:
    """Bars from zero, one a row, each with its label before it and its value behind it.

    Args:
        bars: from top to bottom; values at least 0.
        title: what a screen reader says, followed by every value.
        maximum: the value of a full bar; by default the largest one.
        width: units; one is about a pixel.
    """
    shown = [bar.shown if bar.shown is not None else f"{bar.value:,.0f}" for bar in bars]
    label_room = min(max((len(bar.label) for bar in bars), default=0) * LETTER, width * 0.42)
    value_room = max((len(s) for s in shown), default=0) * LETTER
    left, right = label_room + _GAP, width - value_room - _GAP
    top = maximum if maximum is not None else max((bar.value for bar in bars), default=0)
    to_x = scale(0, top or 1, left, right)
    body = []
    for row, (bar, value) in enumerate(zip(bars, shown, strict=True)):
        middle = row * _ROW + _ROW / 2
        end = to_x(min(bar.value, top or 1))
        body.append(row_label(label_room, middle, bar.label, label_room))
        style = f"fill tone-{bar.tone}"
        drawn = max(end - left, 1.5 if bar.value else 0)
        body.append(rectangle(left, middle - _THICK / 2, drawn, _THICK, style=style, says=f"{bar.label}: {value}"))
        if bar.part and bar.value:
            inner = drawn * min(bar.part / bar.value, 1.0)
            says = f"{bar.label}: {bar.part_says or format(bar.part, ',.0f')}"
            body.append(
                rectangle(left, middle - _THICK / 2, inner, _THICK, style=f"fill tone-{bar.part_tone}", says=says)
            )
        body.append(text(left + drawn + 6, middle + 4, value, kind="value"))
    height = len(bars) * _ROW
    body.append(line(left, 2, left, height - 2, style="axis"))
    said = "; ".join(
        f"{bar.label}: {value}" + (f", {bar.part_says}" if bar.part_says else "")
        for bar, value in zip(bars, shown, strict=True)
    )
    return canvas("".join(body), width=width, height=height, title=title, description=said)
