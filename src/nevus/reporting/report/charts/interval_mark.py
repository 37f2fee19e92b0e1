"""One score with its interval, small enough for a table's cell: a forest plot whose text is the table."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup, escape

from nevus.evaluation.estimate import Estimate
from nevus.reporting.page.charts.svg import Tone, circle, line, num, rectangle, scale, text, ticks
from nevus.reporting.page.formats import format_number

WIDTH = 170
_HEIGHT = 20
_EDGE = 8


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
    to_x = scale(axis.low, axis.high, _EDGE, WIDTH - _EDGE)

    def inside(value: float) -> float:
        return to_x(min(max(value, axis.low), axis.high))

    middle = _HEIGHT / 2
    body = [f"<title>{escape(says)}</title>", line(_EDGE, middle, WIDTH - _EDGE, middle, style="grid")]
    if bound is not None:
        start, stop = (inside(bound), WIDTH - _EDGE) if lower_is_better else (_EDGE, inside(bound))
        body.append(rectangle(start, 0, stop - start, _HEIGHT, style="forbidden"))
        body.append(line(inside(bound), 0, inside(bound), _HEIGHT, style="bound"))
    if reference is not None:
        body.append(line(inside(reference), 0, inside(reference), _HEIGHT, style="reference"))
    if estimate is not None and estimate.value is not None:
        if estimate.low is not None and estimate.high is not None:
            start, stop = inside(estimate.low), inside(estimate.high)
            body.append(rectangle(start, middle - 2, max(stop - start, 1), 4, style=f"whisker tone-{tone}"))
        body.append(circle(inside(estimate.value), middle, 4.5, style=f"fill tone-{tone}"))
    return _svg("".join(body), _HEIGHT)


def interval_axis(axis: Axis, *, percent: bool = False) -> Markup:
    """The axis that stands once above a column of marks."""
    to_x = scale(axis.low, axis.high, _EDGE, WIDTH - _EDGE)
    body = []
    for value in ticks(axis.low, axis.high, 4):
        shown = f"{value * 100:g} %" if percent else {0.0: "0", 1.0: "1"}.get(round(value, 6), format_number(value, 1))
        body.append(text(to_x(value), 11, shown, kind="tick", anchor="middle"))
        body.append(line(to_x(value), 15, to_x(value), 18, style="axis"))
    return _svg("".join(body), 18)


def _svg(body: str, height: float) -> Markup:
    return Markup(  # noqa: S704 - every text in it went through escape
        f'<svg class="chart mini" aria-hidden="true" viewBox="0 0 {num(WIDTH)} {num(height)}" '
        f'style="--chart-width:{num(WIDTH)}px">{body}</svg>'
    )
