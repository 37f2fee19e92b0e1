"""From recorded minutes to stretches of time in which the service was ready, starting or down."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from nevus.api import Minute

_MINUTE = timedelta(minutes=1)
_GAP = timedelta(minutes=2, seconds=30)
"""A heartbeat may be a little late; longer silence is downtime."""


def stretches(minutes: Sequence[Minute], now: datetime) -> list[dict[str, Any]]:
    """Stretches of one state, in order: start and end (ISO), state (ready, starting or down), and seconds.

    A silence between two recorded minutes, or since the last one, is a stretch of its own: down.
    """
    spans: list[tuple[datetime, datetime, str]] = []
    for minute in sorted(minutes, key=lambda one: one.minute):
        state = "ready" if minute.ready else "starting"
        if spans and minute.minute - spans[-1][1] > _GAP - _MINUTE:
            spans.append((spans[-1][1], minute.minute, "down"))
        end = min(minute.minute + _MINUTE, now)
        if spans and spans[-1][2] == state:
            spans[-1] = (spans[-1][0], end, state)
        else:
            start = spans[-1][1] if spans else minute.minute
            spans.append((start, end, state))
    if spans and now - spans[-1][1] > _GAP:
        spans.append((spans[-1][1], now, "down"))
    return [
        {"start": a.isoformat(), "end": b.isoformat(), "state": state, "seconds": (b - a).total_seconds()}
        for a, b, state in spans
    ]


def uptime_line(spans: Sequence[dict[str, Any]]) -> str:
    """One sentence: the share of the recorded time in which the service was ready."""
    total = sum(span["seconds"] for span in spans)
    ready = sum(span["seconds"] for span in spans if span["state"] == "ready")
    if not total:
        return "The first minute is being recorded."
    breaks = sum(1 for span in spans if span["state"] == "down")
    share = 100 * ready / total
    text = "100" if ready == total else f"{min(share, 99.99):.2f}"
    times = "without a break" if not breaks else f"with {breaks} break{'s' if breaks > 1 else ''}"
    return f"Ready {text} % of the {_length(total)} recorded here, {times}."


def _length(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.1f} h"
