"""The reliability diagram: what was stated against what came true, and how often each was stated."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from nevus.evaluation.subset_scores import ReliabilityBin
from nevus.reporting.page.charts.svg import WIDTH, canvas, circle, line, polyline, rectangle, scale, text, ticks

_LEFT, _RIGHT, _TOP, _BOTTOM = 40, 12, 26, 42
FEW = 10
"""Below so many a bin's share means little: its dot is hollow, and the line passes it by."""
_COUNTS = 56
_GAP = 12


def reliability_chart(
    bins: Sequence[ReliabilityBin], *, title: str, x_label: str, y_label: str, width: float = WIDTH
) -> Markup:
    """Dots on the diagonal where the model is as sure as it is right, with the gaps drawn and the counts below.

    Args:
        bins: over 0..1; empty ones are left out.
        title: what a screen reader says, followed by every bin.
        x_label: what was stated.
        y_label: what came true.
        width: units; one is about a pixel.
    """
    side = width - _LEFT - _RIGHT
    base = _TOP + side * 0.82
    foot = base + _GAP + _COUNTS
    to_x, to_y = scale(0, 1, _LEFT, _LEFT + side), scale(0, 1, base, _TOP)
    body = [text(0, 12, y_label, kind="tick")]
    for value in ticks(0, 1, 5):
        body.append(line(_LEFT, to_y(value), _LEFT + side, to_y(value), style="grid"))
        body.append(text(_LEFT - 7, to_y(value) + 4, f"{value:g}", kind="tick", anchor="end"))
        body.append(text(to_x(value), foot + 16, f"{value:g}", kind="tick", anchor="middle"))
    body.append(line(to_x(0), to_y(0), to_x(1), to_y(1), style="reference"))
    filled = [b for b in bins if b.count and b.mean_confidence is not None and b.accuracy is not None]
    places = [(to_x(b.mean_confidence or 0), to_y(b.accuracy or 0)) for b in filled]
    for (x, y), b in zip(places, filled, strict=True):
        body.append(line(x, to_y(b.mean_confidence or 0), x, y, style="span tone-warm"))
    firm = [place for place, b in zip(places, filled, strict=True) if b.count >= FEW]
    body.append(polyline(firm, style="stroke tone-accent"))
    peak = max((b.count for b in bins), default=0) or 1
    for b in bins:
        tall = b.count / peak * _COUNTS
        left, right = to_x(b.low), to_x(b.high)
        says = f"{b.low:g} to {b.high:g}: {b.count:,}"
        body.append(rectangle(left + 1, foot - tall, right - left - 2, tall, style="fill tone-quiet", says=says))
    body.append(text(_LEFT - 7, foot - _COUNTS + 8, f"{peak:,}", kind="tick", anchor="end"))
    body.append(text(_LEFT - 7, foot, "0", kind="tick", anchor="end"))
    body.append(line(_LEFT, foot, _LEFT + side, foot, style="axis"))
    body.append(text(_LEFT + side / 2, foot + 35, x_label, kind="tick", anchor="middle"))
    said = []
    for (x, y), b in zip(places, filled, strict=True):
        says = f"stated {b.mean_confidence:.2f}, came true {b.accuracy:.2f}, {b.count:,} times"
        said.append(says)
        style = "fill" if b.count >= FEW else "mark"
        body.append(circle(x, y, 4, style=f"{style} tone-accent", says=says))
    return canvas("".join(body), width=width, height=foot + _BOTTOM, title=title, description="; ".join(said))
