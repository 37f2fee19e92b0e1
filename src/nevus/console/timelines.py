"""The console's charts over time. Every one is given its figures and the time that it covers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import altair as alt

from nevus.api import Minute
from nevus.console.charts import BLUE, GREEN, ORANGE, VERMILLION, Row, top_legend

_BARS = (1, 5, 15, 30, 60, 120, 360, 1440)
"""Minutes that a bar of requests may cover."""


def requests(minutes: Sequence[Minute], start: datetime, end: datetime) -> alt.Chart:
    """Requests by what became of them, in bars of as many minutes as the time between start and end allows."""
    length = bar_minutes(start, end)
    rows = request_bars(minutes, length)
    kinds = alt.Scale(domain=["answered", "refused", "failed"], range=[BLUE, ORANGE, VERMILLION])
    scale, axis = _clock(start, end)
    return (
        alt.Chart(alt.InlineData(values=rows))
        .mark_rect(clip=True)
        .encode(
            x=alt.X("start:T", title="Local time", scale=scale, axis=axis),
            x2="end:T",
            y=alt.Y("low:Q", title=f"Requests in {length} min" if length > 1 else "Requests a minute"),
            y2="high:Q",
            color=alt.Color("kind:N", scale=kinds, title=None, legend=top_legend()),
            tooltip=["start:T", "kind:N", "count:Q"],
        )
        .properties(height=240)
    )


def bar_minutes(start: datetime, end: datetime) -> int:
    """How many minutes a bar covers, so that there are about a hundred at most."""
    minutes = (end - start).total_seconds() / 60
    return next((length for length in _BARS if minutes / length <= 100), _BARS[-1])


def request_bars(minutes: Sequence[Minute], length: int) -> list[Row]:
    """Piled bars, each of `length` minutes: start, end (ISO), kind, count, and from where to where it reaches."""
    counted: dict[datetime, Counter[str]] = {}
    for minute in minutes:
        passed = minute.minute - minute.minute.replace(hour=0, minute=0, second=0, microsecond=0)
        bar = counted.setdefault(minute.minute - passed % timedelta(minutes=length), Counter())
        bar.update(
            answered=minute.requests - minute.refused - minute.failed, refused=minute.refused, failed=minute.failed
        )
    rows = []
    for start, bar in sorted(counted.items()):
        low = 0
        for kind, count in bar.items():
            if count:
                end = start + timedelta(minutes=length)
                rows.append(
                    {
                        "start": start.isoformat(),
                        "end": end.isoformat(),
                        "kind": kind,
                        "count": count,
                        "low": low,
                        "high": low + count,
                    }
                )
                low += count
    return rows


def latency(minutes: Sequence[Minute], start: datetime, end: datetime) -> alt.Chart:
    """Median and 99th percentile of the requests' time, minute by minute."""
    rows = [
        {"minute": minute.minute.isoformat(), "which": which, "ms": value}
        for minute in minutes
        for which, value in (("median", minute.median_ms), ("99th percentile", minute.p99_ms))
        if value is not None
    ]
    which = alt.Scale(domain=["median", "99th percentile"], range=[BLUE, ORANGE])
    scale, axis = _clock(start, end)
    return (
        alt.Chart(alt.InlineData(values=rows))
        .mark_line(point=alt.OverlayMarkDef(size=22))
        .encode(
            x=alt.X("minute:T", title="Local time", scale=scale, axis=axis),
            y=alt.Y("ms:Q", title="Time to answer (ms)"),
            color=alt.Color("which:N", scale=which, title=None, legend=top_legend()),
            tooltip=["minute:T", "which:N", alt.Tooltip("ms:Q", format=".0f")],
        )
        .properties(height=240)
    )


def uptime(rows: Sequence[Mapping[str, Any]], start: datetime, end: datetime) -> alt.Chart:
    """One line of states. rows: start, end (ISO), state."""
    states = ["ready", "starting", "down"]
    scale, axis = _clock(start, end)
    return (
        alt.Chart(alt.InlineData(values=[dict(row) for row in rows]))
        .mark_bar(height=14)
        .encode(
            x=alt.X("start:T", title="Local time", scale=scale, axis=axis),
            x2="end:T",
            color=alt.Color(
                "state:N",
                scale=alt.Scale(domain=states, range=[GREEN, ORANGE, VERMILLION]),
                title=None,
                legend=top_legend(),
            ),
            tooltip=["state:N", "start:T", "end:T"],
        )
        .properties(height=130)
    )


def _clock(start: datetime, end: datetime) -> tuple[alt.Scale, alt.Axis]:
    """One scale for all charts over the same time, and about six ticks, none closer than a minute."""
    seconds = (end - start).total_seconds()
    form = "%d %b" if seconds > 3 * 86400 else "%H:%M"
    axis = alt.Axis(format=form, tickCount=max(1, int(seconds // 60)) if seconds < 8 * 60 else 6, labelOverlap=True)
    return alt.Scale(domain=[start.isoformat(), end.isoformat()]), axis
