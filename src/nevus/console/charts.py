"""The console's charts. Every one is given its figures; none makes any up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import streamlit as st

from nevus.api import Bin
from nevus.console.words import TONES, VERDICTS

BLUE, ORANGE, VERMILLION, GREEN, GREY = "#0072B2", "#E69F00", "#D55E00", "#009E73", "#75828A"
_ROW, _AXIS, _KEY = 30, 64, 40
"""Pixels: of a bar, of the axis below, of the key above."""
_LINE = 11
"""Pixels from line to line of an axis label."""
_LABELS = 260
"""Longest axis label in pixels; on a phone Vega shortens it to its share of the width."""

Row = dict[str, Any]


def show(chart: alt.Chart | alt.LayerChart, alt_text: str) -> None:
    """Draw a chart over the whole width; the text is for those who don't see it."""
    legible = chart.configure_axis(labelColor=ink(), titleColor=ink()).configure_legend(labelColor=ink())
    st.altair_chart(legible, width="stretch", alt=alt_text)


def ink() -> str:
    """A grey that is read on the page's ground; Vega knows nothing of the theme."""
    return {"dark": "#B9C6CA", "light": "#4A575D"}.get(st.context.theme.type or "", GREY)


def probabilities(rows: Sequence[Row]) -> alt.LayerChart:
    """Bars of the classes' probabilities. rows: name, probability (0..1), text, group."""
    base = alt.Chart(alt.InlineData(values=list(rows))).encode(
        y=alt.Y("name:N", sort=None, title=None, axis=_names()),
        x=alt.X("probability:Q", title="Probability (%)", scale=alt.Scale(domain=[0, 1.12]), axis=_percent()),
    )
    bars = base.mark_bar(height=14).encode(color=_groups("group"), tooltip=["name:N", "text:N"])
    words = base.mark_text(align="left", dx=5, color=ink()).encode(text="text:N")
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
        + rule.encode(x=axis, color=alt.value(ink()))
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
    words = base.mark_text(align="left", dx=5, color=ink()).encode(text="text:N")
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
    lines = base.mark_rule(strokeWidth=2).encode(
        x=alt.X("low:Q", title=title, scale=scale, axis=alt.Axis(values=[0, 0.2, 0.4, 0.6, 0.8, 1], format=".1f")),
        x2="high:Q",
        color=colour,
    )
    points = base.mark_point(filled=True, size=70, opacity=1).encode(
        x=alt.X("value:Q", scale=scale), color=colour, tooltip=["name:N", "text:N"]
    )
    return (lines + points).properties(height=_ROW * len(rows) + _AXIS + _KEY)


def confusion(rows: Sequence[Row], order: Sequence[str], names: Sequence[str]) -> alt.LayerChart:
    """A matrix. rows: name and code of the truth, code of the answer, share (0..1 of the truth), count."""
    codes = alt.Axis(labelAngle=0, labelOverlap=False, labelFlush=False, labelFontSize=10)
    base = alt.Chart(alt.InlineData(values=list(rows))).encode(
        x=alt.X("answer:N", sort=list(order), title="Model's answer", axis=codes),
        y=alt.Y("name:N", sort=list(names), title=None, axis=_names()),
    )
    tiles = base.mark_rect().encode(
        color=alt.Color("share:Q", scale=alt.Scale(scheme="blues", domain=[0, 1]), legend=None),
        tooltip=["name:N", "answer:N", "count:Q"],
    )
    words = base.mark_text().encode(
        text="count:Q", color=alt.condition("datum.share > 0.5", alt.value("white"), alt.value("#17262B"))
    )
    return (tiles + words).properties(height=40 * len(order) + _AXIS)


def _groups(field: str) -> alt.Color:
    scale = alt.Scale(domain=["benign", "malignant"], range=[BLUE, VERMILLION])
    return alt.Color(f"{field}:N", scale=scale, title=None, legend=top_legend())


def top_legend() -> alt.Legend:
    """The key above a chart."""
    return alt.Legend(orient="top", padding=0, offset=8)


def _names() -> alt.Axis:
    # A name of two parts takes two lines, so that a phone has room for the bars; both together are centred on the bar.
    two_lines = {"condition": {"test": "indexof(datum.value, ' / ') > 0", "value": -_LINE / 2}, "value": 0}
    return alt.Axis(
        labelLimit=_LABELS,
        labelOverlap=False,
        labelExpr="split(datum.label, ' / ')",
        labelLineHeight=_LINE,
        labelOffset=two_lines,
    )


def _percent() -> alt.Axis:
    return alt.Axis(labelExpr="round(datum.value * 100)", values=[0, 0.25, 0.5, 0.75, 1])


def _whole(most: int) -> alt.Axis:
    return alt.Axis(tickMinStep=1, tickCount=min(5, most), format=",d")
