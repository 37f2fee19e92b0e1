"""Minutes become stretches of time, and silence is downtime."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from nevus.api import Minute
from nevus.console.uptime import stretches, uptime_line

START = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)


def minutes(*states: int | None) -> list[Minute]:
    """One minute after another: how many instances were ready; None where nothing was recorded."""
    return [
        Minute(minute=at(n), instances=1, ready=ready, requests=0, refused=0, failed=0)
        for n, ready in enumerate(states)
        if ready is not None
    ]


def at(minute: float) -> datetime:
    return START + timedelta(minutes=minute)


def told(found: list[dict[str, object]]) -> list[tuple[object, object]]:
    return [(span["state"], span["seconds"]) for span in found]


def test_minutes_of_one_state_are_one_stretch() -> None:
    assert told(stretches(minutes(0, 1, 1, 2), at(4))) == [("starting", 60.0), ("ready", 180.0)]


def test_a_silence_of_minutes_is_downtime_between_what_was_recorded() -> None:
    found = stretches(minutes(1, 1, None, None, None, 1), at(6))
    assert told(found) == [("ready", 120.0), ("down", 180.0), ("ready", 60.0)]


def test_one_late_heartbeat_is_no_downtime() -> None:
    assert told(stretches(minutes(1, None, 1), at(3))) == [("ready", 180.0)]


def test_silence_until_now_is_downtime() -> None:
    assert told(stretches(minutes(1), at(11))) == [("ready", 60.0), ("down", 600.0)]


def test_the_running_minute_counts_up_to_now() -> None:
    assert told(stretches(minutes(1, 1), at(1.5))) == [("ready", 90.0)]


def test_nothing_recorded_is_nothing_drawn() -> None:
    assert stretches([], START) == []
    assert uptime_line([]) == "The first minute is being recorded."


@pytest.mark.parametrize(
    ("states", "now", "line"),
    [
        ((1,) * 10, 10, "Ready 100 % of the 10 min recorded here, without a break."),
        ((1, 1, None, None, None, 1), 6, "Ready 50.00 % of the 6 min recorded here, with 1 break."),
        ((1,) * 180, 180, "Ready 100 % of the 3.0 h recorded here, without a break."),
    ],
)
def test_the_line_says_what_share_was_ready(states: tuple[int | None, ...], now: int, line: str) -> None:
    assert uptime_line(stretches(minutes(*states), at(now))) == line


def test_a_short_break_in_a_long_time_is_never_rounded_away() -> None:
    spans = [{"state": "ready", "seconds": 1e7}, {"state": "down", "seconds": 1.0}]
    assert uptime_line(spans).startswith("Ready 99.99 %")
