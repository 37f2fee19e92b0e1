"""One score with its interval, small enough for a table's cell: a forest plot whose text is the table."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup, escape

from nevus.evaluation.estimate import Estimate
from nevus.reporting.page.charts.svg import Tone, num, scale, ticks
from nevus.reporting.page.formats import format_number

EDGE = 6.0
"""Per cent of the width that stay free on both sides, so that a dot at the end isn't cut."""
_HEIGHT = 20


@dataclass(frozen=True)
class Axis:
    """The range that all marks of one column share."""

    low: float = 0.0
    high: float = 1.0

    @classmethod
    def around(cls, estimates: list[Estimate | None], also: list[float] | None = None) -> Axis:
        """The smallest range of whole tenths, at least .3 wide and inside 0..1, that holds all intervals."""
        values = [v for e in estimates if e for v in (e.value, e.low, e.high) if v is not None] + (also or [])
        if not values:
            return cls()
        low, high = min(max(int(min(values) * 10 - 1e-9), 0), 7) / 10, 1.0
        top = -int(-max(values) * 10 // 1) / 10
        if top < high and max(values) < 1:
            high = max(top, low + 0.3)
        return cls(low, round(min(high, 1.0), 1))


def interval_mark(
    estimate: Estimate | None,
    axis: Axis,
    *,
    says: str,
    tone: Tone = "accent",
    bound: float | None = None,
    lower_is_better: bool = False,
    reference: float | None = None,
) -> Markup:
    """A dot at the value on a bar from the interval's lower to its upper end; only the axis where there is no value.

    Args:
        estimate: the score.
        axis: the column's range; an interval that goes beyond is cut there.
        says: what appears when one points at it; the same stands beside it as text.
        tone: colour by role.
        bound: a value that is required, drawn as a firm line with the failing side shaded.
        lower_is_better: which side of `bound` fails.
        reference: a value to compare with (the same score on all images), drawn dashed.
    """
    to_x = scale(axis.low, axis.high, EDGE, 100 - EDGE)

    def inside(value: float) -> float:
        return to_x(min(max(value, axis.low), axis.high))

    body = [f"<title>{escape(says)}</title>", _line(EDGE, 100 - EDGE, 10, 10, "grid")]
    if bound is not None:
        start, stop = (inside(bound), 100 - EDGE) if lower_is_better else (EDGE, inside(bound))
        body.append(_rectangle(start, stop, 0, _HEIGHT, "forbidden"))
        body.append(_line(inside(bound), inside(bound), 0, _HEIGHT, "bound"))
    if reference is not None:
        body.append(_line(inside(reference), inside(reference), 0, _HEIGHT, "reference"))
    if estimate is not None and estimate.value is not None:
        if estimate.low is not None and estimate.high is not None:
            start, stop = inside(estimate.low), inside(estimate.high)
            body.append(_rectangle(start, max(stop, start + 0.5), 8, 4, f"whisker tone-{tone}"))
        body.append(f'<circle class="fill tone-{tone}" cx="{num(inside(estimate.value))}%" cy="10" r="4.5"/>')
    return _svg("".join(body), _HEIGHT)


def interval_axis(axis: Axis, *, percent: bool = False) -> Markup:
    """The axis that stands once above a column of marks, at their width."""
    to_x = scale(axis.low, axis.high, EDGE, 100 - EDGE)
    body = []
    for value in ticks(axis.low, axis.high, 4):
        shown = f"{value * 100:g} %" if percent else {0.0: "0", 1.0: "1"}.get(round(value, 6), format_number(value, 1))
        body.append(f'<text class="t-tick" x="{num(to_x(value))}%" y="11" text-anchor="middle">{escape(shown)}</text>')
        body.append(_line(to_x(value), to_x(value), 15, 18, "axis"))
    return _svg("".join(body), 18)


def _line(x1: float, x2: float, y1: float, y2: float, style: str) -> str:
    return f'<line class="{style}" x1="{num(x1)}%" x2="{num(x2)}%" y1="{num(y1)}" y2="{num(y2)}"/>'


def _rectangle(start: float, stop: float, y: float, height: float, style: str) -> str:
    return f'<rect class="{style}" x="{num(start)}%" width="{num(stop - start)}%" y="{num(y)}" height="{num(height)}"/>'


def _svg(body: str, height: float) -> Markup:
    """Across, everything is per cent: the page decides the width, and dots stay round and letters their size."""
    return Markup(f'<svg class="chart mini" aria-hidden="true" height="{num(height)}">{body}</svg>')  # noqa: S704
