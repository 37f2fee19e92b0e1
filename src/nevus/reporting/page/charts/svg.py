"""The few SVG elements that charts are drawn with, and their scales."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal

from markupsafe import Markup, escape

Tone = Literal["accent", "warm", "third", "fourth", "quiet"]
"""A colour by its role: accent (the default), warm (malignant, or needs attention), third, fourth, quiet (behind)."""

WIDTH = 360
"""Units of a chart's width. Shown at about one pixel a unit, so that text keeps its size on a phone."""
LETTER = 6.7
"""Estimated width of a letter at the charts' size of 12."""
LETTER_SMALL = 5.8
"""The same at the size of 10.5, of labels on two lines."""


def canvas(body: str, *, width: float, height: float, title: str, description: str = "") -> Markup:
    """The SVG element; `title` is what a screen reader says, `description` its details."""
    said = f"<title>{escape(title)}</title>" + (f"<desc>{escape(description)}</desc>" if description else "")
    return Markup(  # noqa: S704 - every text in it went through escape
        f'<svg class="chart" role="img" viewBox="0 0 {num(width)} {num(height)}" '
        f'style="--chart-width:{num(width)}px">{said}{body}</svg>'
    )


def text(
    x: float, y: float, content: str, *, kind: str = "label", anchor: Literal["start", "middle", "end"] = "start"
) -> str:
    """A line of text; `kind` is the style: label, value, tick, strong."""
    return f'<text class="t-{kind}" x="{num(x)}" y="{num(y)}" text-anchor="{anchor}">{escape(content)}</text>'


def rectangle(x: float, y: float, width: float, height: float, *, style: str, says: str = "") -> str:
    """A rectangle; `says` appears when one points at it."""
    inner = f"<title>{escape(says)}</title>" if says else ""
    return (
        f'<rect class="{style}" x="{num(x)}" y="{num(y)}" width="{num(max(width, 0))}" height="{num(max(height, 0))}">'
        f"{inner}</rect>"
    )


def line(x1: float, y1: float, x2: float, y2: float, *, style: str) -> str:
    """A straight line."""
    return f'<line class="{style}" x1="{num(x1)}" y1="{num(y1)}" x2="{num(x2)}" y2="{num(y2)}"/>'


def polyline(points: Sequence[tuple[float, float]], *, style: str) -> str:
    """A line through points."""
    return f'<polyline class="{style}" points="{" ".join(f"{num(x)},{num(y)}" for x, y in points)}"/>'


def circle(x: float, y: float, radius: float, *, style: str, says: str = "") -> str:
    """A dot; `says` appears when one points at it."""
    inner = f"<title>{escape(says)}</title>" if says else ""
    return f'<circle class="{style}" cx="{num(x)}" cy="{num(y)}" r="{num(radius)}">{inner}</circle>'


def num(value: float) -> str:
    """A coordinate in as few characters as two decimals need."""
    return f"{value:.2f}".rstrip("0").rstrip(".") or "0"


def scale(low: float, high: float, start: float, stop: float) -> Callable[[float], float]:
    """The linear map of [low, high] onto [start, stop]; the middle where low equals high."""
    span = high - low
    return lambda value: (start + stop) / 2 if span == 0 else start + (value - low) / span * (stop - start)


def ticks(low: float, high: float, wanted: int = 4) -> list[float]:
    """Round values within [low, high], about `wanted` of them, at steps of 1, 2 or 5 times a power of ten."""
    if high <= low:
        return [low]
    rough = (high - low) / max(wanted, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * k for k in (1, 2, 5, 10) if power * k >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [k * step for k in range(first, math.floor(high / step + 1e-9) + 1)]


def row_label(x: float, middle: float, content: str, room: float) -> str:
    """The label before a row, ending at `x`: on one line, else on two smaller ones, else cut."""
    if len(content) * LETTER <= room + LETTER:
        return text(x, middle + 4, content, anchor="end")
    cut = content.rfind(" ", 0, int(room / LETTER_SMALL) + 1)
    if cut < 0:
        return text(x, middle + 4, shorten(content, room), anchor="end")
    first, second = content[:cut].rstrip(), content[cut:].strip()
    small = shorten(second, room * LETTER / LETTER_SMALL)
    return text(x, middle - 2, first, kind="small", anchor="end") + text(
        x, middle + 9, small, kind="small", anchor="end"
    )


def shorten(content: str, room: float) -> str:
    """The text cut to `room` units, with an ellipsis where something is missing."""
    letters = max(int(room / LETTER), 1)
    return content if len(content) <= letters else content[: max(letters - 1, 1)].rstrip() + "…"
