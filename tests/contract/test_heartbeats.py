"""What heartbeats promise: every minute of the line is there, with what all processes did in it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from nevus.store.heartbeats import Heartbeat, Minute, beat, forget_heartbeats, last_minutes

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def test_minutes_are_merged_over_processes_and_silent_ones_are_there(store):
    beat(store, Heartbeat("a", NOON, True, 30, 2, 1, 10.0, 50.0))
    beat(store, Heartbeat("b", NOON, False, 10, 1, 0, 30.0, 90.0))
    beat(store, Heartbeat("c", NOON, True))
    beat(store, Heartbeat("a", NOON + 2 * MINUTE, True))
    assert last_minutes(store, 4, at=NOON + 2 * MINUTE + timedelta(seconds=59)) == [
        Minute(NOON - MINUTE),
        Minute(NOON, 3, 2, 40, 3, 1, pytest.approx(15.0), 90.0),
        Minute(NOON + MINUTE),
        Minute(NOON + 2 * MINUTE, 1, 1, 0, 0, 0, None, None),
    ]


def test_a_minute_that_is_told_again_replaces_what_was_told(store):
    rome = timezone(timedelta(hours=1))
    beat(store, Heartbeat("a", NOON + timedelta(seconds=10), False, 1, 0, 0, 5.0, 5.0))
    beat(store, Heartbeat("a", datetime(2026, 11, 20, 13, 0, 50, 7, tzinfo=rome), True, 7, 2, 1, 6.0, 8.0))
    assert last_minutes(store, 1, at=NOON) == [Minute(NOON, 1, 1, 7, 2, 1, 6.0, 8.0)]


def test_what_is_older_than_asked_for_or_later_than_now_is_left_out(store):
    for n in range(5):
        beat(store, Heartbeat("a", NOON + n * MINUTE, True, n))
    assert [minute.requests for minute in last_minutes(store, 2, at=NOON + 3 * MINUTE)] == [2, 3]


def test_old_minutes_can_be_forgotten(store):
    for n in range(3):
        beat(store, Heartbeat("a", NOON + n * MINUTE, True, 1))
    assert forget_heartbeats(store, before=NOON + 2 * MINUTE) == 2
    assert [minute.instances for minute in last_minutes(store, 3, at=NOON + 2 * MINUTE)] == [0, 0, 1]
