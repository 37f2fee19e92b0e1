"""Requests over time, piled by what became of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from nevus.api import Minute
from nevus.console.timelines import bar_minutes, request_bars

START = datetime(2026, 11, 21, 9, 58, tzinfo=UTC)


def minute(number: int, requests: int, refused: int = 0, failed: int = 0) -> Minute:
    at = START + timedelta(minutes=number)
    return Minute(minute=at, instances=1, ready=1, requests=requests, refused=refused, failed=failed)


def told(length: int, *minutes: Minute) -> list[tuple[str, str, int, int, int]]:
    rows = request_bars(minutes, length)
    return [(row["start"][11:16], row["kind"], row["count"], row["low"], row["high"]) for row in rows]


def test_outcomes_of_a_minute_lie_on_top_of_one_another_and_none_is_counted_twice() -> None:
    assert told(1, minute(0, 10, refused=3, failed=2), minute(1, 4)) == [
        ("09:58", "answered", 5, 0, 5),
        ("09:58", "refused", 3, 5, 8),
        ("09:58", "failed", 2, 8, 10),
        ("09:59", "answered", 4, 0, 4),
    ]


def test_longer_bars_begin_on_round_times_and_hold_the_sum_of_their_minutes() -> None:
    assert told(15, minute(0, 10), minute(1, 5, refused=1), minute(2, 7)) == [
        ("09:45", "answered", 14, 0, 14),
        ("09:45", "refused", 1, 14, 15),
        ("10:00", "answered", 7, 0, 7),
    ]


@pytest.mark.parametrize(("hours", "length"), [(1, 1), (6, 5), (24, 15), (168, 120)])
def test_there_are_about_a_hundred_bars_at_most(hours: int, length: int) -> None:
    assert bar_minutes(START, START + timedelta(hours=hours)) == length
