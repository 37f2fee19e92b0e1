"""Stacked bars: how categories are shared out over the same few parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from nevus.reporting.page.charts.svg import LETTER, WIDTH, Tone, canvas, rectangle, row_label, text

_ROW = 26
_THICK = 14
_GAP = 8
_LEGEND = 26


@dataclass(frozen=True)
class StackedBar:
    """One bar: its values, one a part; `shown` stands behind it."""

    label: str
    values: tuple[float, ...]
    shown: str = ""


def stacked_bars(
    bars: Sequence[StackedBar], parts: Sequence[tuple[str, Tone]], *, title: str, width: float = WIDTH
) -> Markup:
    """Bars of equal length, each divided by the shares of its values, with a legend above.

    Args:
        bars: from top to bottom; one without any value is drawn empty.
        parts: name and tone of each value, in their order.
        title: what a screen reader says.
        width: units; one is about a pixel.
    """
    label_room = min(max((len(bar.label) for bar in bars), default=0) * LETTER, width * 0.42)
    value_room = max((len(bar.shown) for bar in bars), default=0) * LETTER
    left, right = label_room + _GAP, width - value_room - (_GAP if value_room else 1)
    body, x = [], left
    for name, tone in parts:
        body.append(rectangle(x, 4, 10, 10, style=f"fill tone-{tone}"))
        body.append(text(x + 15, 13, name, kind="tick"))
        x += 15 + len(name) * LETTER + 12
    said = []
    for row, bar in enumerate(bars):
        middle = _LEGEND + row * _ROW + _ROW / 2
        body.append(row_label(label_room, middle, bar.label, label_room))
        total, x = sum(bar.values), left
        for (name, tone), value in zip(parts, bar.values, strict=True):
            part = value / total * (right - left) if total else 0
            says = f"{bar.label}, {name}: {value:,.0f} ({value / total:.1%})" if total else ""
            body.append(
                rectangle(x, middle - _THICK / 2, max(part - 1, 0), _THICK, style=f"fill tone-{tone}", says=says)
            )
            said.append(says)
            x += part
        if bar.shown:
            body.append(text(width, middle + 4, bar.shown, kind="value", anchor="end"))
    height = _LEGEND + len(bars) * _ROW
    return canvas("".join(body), width=width, height=height, title=title, description="; ".join(filter(None, said)))
