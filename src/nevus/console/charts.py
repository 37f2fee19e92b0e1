"""The console's charts. Every one is given its figures; none makes any up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import altair as alt
import streamlit as st

from nevus.api import Bin, Minute
from nevus.console.words import TONES, VERDICTS

BLUE, VERMILLION, GREY = "#0072B2", "#D55E00", "#75828A"
_ROW, _AXIS, _KEY = 30, 64, 40
"""Pixels: of a bar, of the axis below, of the key above."""
_LABELS = 260
"""Longest axis label in pixels; on a phone Vega shortens it to its share of the width."""

Row = dict[str, Any]


def show(chart: alt.Chart | alt.LayerChart, alt_text: str) -> None:
    """Draw a chart over the whole width; the text is for those who don't see it."""
    st.altair_chart(chart, width="stretch", alt=alt_text)


def probabilities(rows: Sequence[Row]) -> alt.LayerChart:
    """Bars of the classes' probabilities. rows: name, probability (0..1), text, group."""
    base = alt.Chart(alt.InlineData(values=list(rows))).encode(
        y=alt.Y("name:N", sort=None, title=None, axis=_names()),
        x=alt.X("probability:Q", title="Probability (%)", scale=alt.Scale(domain=[0, 1.12]), axis=_percent()),
    )
    bars = base.mark_bar(height=14).encode(color=_groups("group"), tooltip=["name:N", "text:N"])
    words = base.mark_text(align="left", dx=5, color=GREY).encode(text="text:N")
    return (bars + words).properties(height=_ROW * len(rows) + _AXIS + _KEY)


def threshold(p_malignant: float, limit: float, tone: str) -> alt.LayerChart:
    """Where the malignant probability lies on the way from 0 to 1, and where the operating point does."""
    scale = alt.Scale(domain=[0, 1])
    axis = alt.X("p:Q", title="Malignant probability (%)", scale=scale, axis=_percent())
    ground = alt.Chart(alt.InlineData(values=[{"p": 0, "end": 1}])).mark_bar(height=8, color=GREY, opacity=0.25)
    beyond = alt.Chart(alt.InlineData(values=[{"p": limit, "end": 1}])).mark_bar(
        height=8, color=VERMILLION, opacity=0.3
    )
    rule = alt.Chart(alt.InlineData(values=[{"p": limit}])).mark_tick(thickness=2, height=24, size=24)
    point = alt.Chart(alt.InlineData(values=[{"p": p_malignant}])).mark_point(
        size=170, filled=True, color=tone, opacity=1
    )
    return (
        ground.encode(x=axis, x2="end:Q")
        + beyond.encode(x=axis, x2="end:Q")
        + rule.encode(x=axis, color=alt.value(GREY))
        + point.encode(x=axis)
    ).properties(height=96)


def counts(rows: Sequence[Row], unit: str, *, colours: Mapping[str, str] | None = None) -> alt.LayerChart:
    """Horizontal bars. rows: name, count, and for all or none of them group (benign or malignant)."""
    rows = [{"text": f"{row['count']:,}", **row} for row in rows]
    grouped = any("group" in row for row in rows)
    most = max((row["count"] for row in rows), default=1) or 1
    base = alt.Chart(alt.InlineData(values=rows)).encode(
        y=alt.Y("name:N", sort=None, title=None, axis=_names()),
        x=alt.X("count:Q", title=unit, scale=alt.Scale(domain=[0, most * 1.18]), axis=_whole(most)),
    )
    names = list(colours or {})
    colour = (
        alt.Color("name:N", scale=alt.Scale(domain=names, range=[colours[n] for n in names]), legend=None)
        if colours
        else _groups("group")
        if grouped
        else alt.value(BLUE)
    )
    words = base.mark_text(align="left", dx=5, color=GREY).encode(text="text:N")
    bars = base.mark_bar(height=14).encode(color=colour, tooltip=["name:N", "count:Q"])
    return (bars + words).properties(height=_ROW * len(rows) + _AXIS + (_KEY if grouped else 0))


def verdict_counts(found: Mapping[str, int]) -> alt.LayerChart:
    """How often each verdict was given."""
    rows = [{"name": word, "count": found.get(code, 0)} for code, word in VERDICTS.items()]
    return counts(rows, "Predictions", colours={VERDICTS[code]: tone for code, tone in TONES.items()})


def histogram(bins: Sequence[Bin], title: str, unit: str) -> alt.Chart:
    """Bars over intervals; open ends are left to the reading beside the chart."""
    rows = [{"low": b.low, "high": b.high, "count": b.count} for b in bins if b.low is not None and b.high is not None]
    return (
        alt.Chart(alt.InlineData(values=rows))
        .mark_bar(color=BLUE, binSpacing=1)
        .encode(
            x=alt.X("low:Q", bin="binned", title=title),
            x2="high:Q",
            y=alt.Y("count:Q", title=unit),
            tooltip=["low:Q", "high:Q", "count:Q"],
        )
        .properties(height=270)
    )


def intervals(rows: Sequence[Row], title: str) -> alt.LayerChart:
    """Points with their 95 % intervals. rows: name, value, low, high (0..1), text, group."""
    base = alt.Chart(alt.InlineData(values=list(rows))).encode(y=alt.Y("name:N", sort=None, title=None, axis=_names()))
    scale = alt.Scale(domain=[0, 1])
    colour = _groups("group")
    lines = base.mark_rule(strokeWidth=2).encode(x=alt.X("low:Q", title=title, scale=scale), x2="high:Q", color=colour)
    points = base.mark_point(filled=True, size=70, opacity=1).encode(
        x=alt.X("value:Q", scale=scale), color=colour, tooltip=["name:N", "text:N"]
    )
    return (lines + points).properties(height=_ROW * len(rows) + _AXIS + _KEY)


def confusion(rows: Sequence[Row], order: Sequence[str]) -> alt.LayerChart:
    """A matrix. rows: truth, answer, share (0..1 of the truth), count."""
    base = alt.Chart(alt.InlineData(values=list(rows))).encode(
        x=alt.X("answer:N", sort=list(order), title="Model's answer", axis=alt.Axis(labelAngle=0)),
        y=alt.Y("truth:N", sort=list(order), title="True diagnosis"),
    )
    tiles = base.mark_rect().encode(
        color=alt.Color("share:Q", scale=alt.Scale(scheme="blues", domain=[0, 1]), legend=None),
        tooltip=["truth:N", "answer:N", "count:Q"],
    )
    words = base.mark_text().encode(
        text="count:Q", color=alt.condition("datum.share > 0.5", alt.value("white"), alt.value("#17262B"))
    )
    return (tiles + words).properties(height=40 * len(order) + _AXIS)


def requests(minutes: Sequence[Minute]) -> alt.Chart:
    """Requests a minute, by what became of them."""
    rows = [
        {"minute": minute.minute.isoformat(), "kind": kind, "count": count}
        for minute in minutes
        for kind, count in (
            ("answered", minute.requests - minute.refused - minute.failed),
            ("refused", minute.refused),
            ("failed", minute.failed),
        )
    ]
    kinds = alt.Scale(domain=["answered", "refused", "failed"], range=[BLUE, "#E69F00", VERMILLION])
    return (
        alt.Chart(alt.InlineData(values=rows))
        .mark_bar()
        .encode(
            x=alt.X("yearmonthdatehoursminutes(minute):T", title="Local time", axis=_clock(minutes)),
            y=alt.Y("count:Q", title="Requests a minute"),
            color=alt.Color("kind:N", scale=kinds, title=None, legend=alt.Legend(orient="top")),
            tooltip=["minute:T", "kind:N", "count:Q"],
        )
        .properties(height=260)
    )


def latency(minutes: Sequence[Minute]) -> alt.Chart:
    """Median and 99th percentile of the requests' time, minute by minute."""
    rows = [
        {"minute": minute.minute.isoformat(), "which": which, "ms": value}
        for minute in minutes
        for which, value in (("median", minute.median_ms), ("99th percentile", minute.p99_ms))
        if value is not None
    ]
    which = alt.Scale(domain=["median", "99th percentile"], range=[BLUE, "#E69F00"])
    return (
        alt.Chart(alt.InlineData(values=rows))
        .mark_line(point=alt.OverlayMarkDef(size=22))
        .encode(
            x=alt.X("minute:T", title="Local time", axis=_clock(minutes)),
            y=alt.Y("ms:Q", title="Time to answer (ms)"),
            color=alt.Color("which:N", scale=which, title=None, legend=alt.Legend(orient="top")),
            tooltip=["minute:T", "which:N", alt.Tooltip("ms:Q", format=".0f")],
        )
        .properties(height=260)
    )


def uptime(rows: Sequence[Mapping[str, Any]], start: datetime, end: datetime) -> alt.Chart:
    """One line of states. rows: start, end (ISO), state."""
    states = ["ready", "starting", "down"]
    return (
        alt.Chart(alt.InlineData(values=[dict(row) for row in rows]))
        .mark_bar(height=14)
        .encode(
            x=alt.X(
                "start:T",
                title="Local time",
                scale=alt.Scale(domain=[start.isoformat(), end.isoformat()]),
                axis=_ticks((end - start).total_seconds()),
            ),
            x2="end:T",
            color=alt.Color(
                "state:N",
                scale=alt.Scale(domain=states, range=["#009E73", "#E69F00", VERMILLION]),
                title=None,
                legend=alt.Legend(orient="top"),
            ),
            tooltip=["state:N", "start:T", "end:T"],
        )
        .properties(height=130)
    )


def _groups(field: str) -> alt.Color:
    scale = alt.Scale(domain=["benign", "malignant"], range=[BLUE, VERMILLION])
    return alt.Color(f"{field}:N", scale=scale, title=None, legend=alt.Legend(orient="top"))


def _names() -> alt.Axis:
    # A name of two parts takes two lines, so that a phone has room for the bars.
    return alt.Axis(labelLimit=_LABELS, labelOverlap=False, labelExpr="split(datum.label, ' / ')", labelLineHeight=12)


def _clock(minutes: Sequence[Minute]) -> alt.Axis:
    times = [minute.minute for minute in minutes]
    return _ticks((max(times) - min(times)).total_seconds())


def _ticks(seconds: float) -> alt.Axis:
    """At most six ticks, none closer than a minute."""
    form = "%d %b" if seconds > 3 * 86400 else "%H:%M"
    return alt.Axis(format=form, tickCount=max(1, min(6, int(seconds // 60))), labelOverlap=True)


def _percent() -> alt.Axis:
    return alt.Axis(labelExpr="round(datum.value * 100)", values=[0, 0.25, 0.5, 0.75, 1])


def _whole(most: int) -> alt.Axis:
    return alt.Axis(tickMinStep=1, tickCount=min(5, most), format=",d")
