"""Overview: does the service run, which model answers, and what did it say today?"""

from __future__ import annotations

from datetime import datetime, timedelta

import streamlit as st

from nevus.api import Overview
from nevus.console import charts, timelines, words
from nevus.console.answer import diagnosis_names
from nevus.console.frame import figures, heading, notice, problems, reading
from nevus.console.session import client
from nevus.console.uptime import stretches, uptime_line

_PERIOD, _PERIODS = "nevus.overview.hours", [1, 6, 24, 168]


def main() -> None:
    """Draw the page."""
    heading("Overview", "Whether the service runs, which model answers, and what it said today.")
    hours: int = st.session_state.get(_PERIOD, 24)
    overview = client().overview(hours=hours)
    problems(client())
    _figures(overview)
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("Verdicts today", anchor=False)
        _verdicts(overview)
    with right:
        st.subheader("Leading diagnoses today", anchor=False)
        _diagnoses(overview)
    st.subheader("Uptime", anchor=False)
    st.segmented_control("Period of what follows", _PERIODS, default=24, required=True, format_func=_hours, key=_PERIOD)
    _running(overview, hours)
    notice()


def _hours(hours: int) -> str:
    return "Last hour" if hours == 1 else "Last 7 days" if hours == 168 else f"Last {hours} h"


def _figures(overview: Overview) -> None:
    model = overview.model
    if model is not None:
        name = words.version_name(model.model, model.version, model.bundle_digest)
        since = f" since {model.since:%d %B %Y, %H:%M} UTC" if model.since else ""
        st.markdown(f"**{name}** answers{since}.")
    latest = overview.uptime[-1] if overview.uptime else None
    medians = [minute.median_ms for minute in overview.uptime if minute.median_ms is not None]
    figures(
        ("State", "Ready" if overview.ready else "Not ready"),
        ("Predictions today (UTC)", f"{overview.today.predictions:,}"),
        ("Labels among them", f"{overview.today.labelled:,}"),
        ("Median time to answer", f"{medians[-1]:.0f} ms" if medians else "–"),
    )
    if latest is not None and latest.instances > 1:
        st.caption(f"{latest.ready} of {latest.instances} server processes are ready.")


def _running(overview: Overview, hours: int) -> None:
    if not overview.uptime:
        reading("No minute has been recorded yet; the service notes one each minute.")
        return
    begin = max(overview.now - timedelta(hours=hours), overview.uptime[0].minute)
    spans = stretches(overview.uptime, overview.now)
    charts.show(timelines.uptime(spans, begin, overview.now), "When the service was ready")
    reading(uptime_line(spans))
    _traffic(overview, begin)


def _verdicts(overview: Overview) -> None:
    found = overview.today.by_verdict
    total = sum(found.values())
    if not total:
        reading("Nothing was judged today.")
        return
    charts.show(charts.verdict_counts(found), "Predictions of today by verdict")
    refer = found.get("refer", 0) + found.get("unusable", 0)
    reading(
        f"{found.get('suspicious', 0):,} of {total:,} images were called suspicious; {refer:,} got no reliable answer."
    )


def _diagnoses(overview: Overview) -> None:
    names = diagnosis_names(client())
    found = sorted(overview.today.by_diagnosis.items(), key=lambda item: -item[1])
    if not found:
        reading("No image got a diagnosis today.")
        return
    rows = [{"name": words.diagnosis(code, names), "count": count} for code, count in found]
    charts.show(charts.counts(rows, "Predictions"), "Predictions of today by leading diagnosis")
    reading(f"The most frequent answer was {rows[0]['name']}, given {rows[0]['count']:,} times.")


def _traffic(overview: Overview, begin: datetime) -> None:
    busy = [minute for minute in overview.uptime if minute.requests or minute.refused or minute.failed]
    if not busy:
        return
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("Requests", anchor=False)
        charts.show(timelines.requests(busy, begin, overview.now), "Requests by what became of them")
        total, refused = sum(m.requests for m in busy), sum(m.refused for m in busy)
        failed = sum(m.failed for m in busy)
        reading(f"{total:,} requests in this period. Refused: {refused:,}. Failed: {failed:,}.")
    with right:
        st.subheader("Time to answer", anchor=False)
        charts.show(timelines.latency(busy, begin, overview.now), "Median and 99th percentile of the time to answer")
        slowest = max((m.p99_ms for m in busy if m.p99_ms is not None), default=None)
        if slowest is not None:
            reading(f"In the slowest minute, 99 of 100 requests were answered within {slowest:,.0f} ms.")


main()
