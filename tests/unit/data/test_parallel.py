"""The parallel map keeps the order and its window."""

from __future__ import annotations

import threading
import time

import pytest

from nevus.data.parallel import AHEAD, CHUNK, windowed_map


def test_results_come_in_order_whatever_takes_longest() -> None:
    def work(k: int) -> int:
        time.sleep(0.01 if k % 7 == 0 else 0)
        return k * k

    assert list(windowed_map(work, range(100), workers=4)) == [k * k for k in range(100)]


def test_it_never_begins_more_than_its_window() -> None:
    begun, lock = [0], threading.Lock()

    def work(k: int) -> int:
        with lock:
            begun[0] += 1
        return k

    taken = 0
    for _ in windowed_map(work, range(200), workers=3):
        time.sleep(0.001)
        taken += 1
        assert begun[0] <= taken + CHUNK * AHEAD * 3 + CHUNK
    assert taken == begun[0] == 200


def test_items_are_drawn_only_as_they_are_needed() -> None:
    drawn = []
    items = (drawn.append(k) or k for k in range(1000))
    results = windowed_map(lambda k: k, items, workers=2)
    assert next(results) == 0
    assert len(drawn) <= CHUNK * (AHEAD * 2 + 1)
    results.close()


def test_an_error_arrives_in_its_turn_and_stops_the_rest() -> None:
    def work(k: int) -> int:
        if k == 5:
            raise ValueError("the fifth")
        return k

    results = windowed_map(work, range(1000), workers=2)
    assert [next(results) for _ in range(5)] == [0, 1, 2, 3, 4]
    with pytest.raises(ValueError, match="the fifth"):
        next(results)
    assert not [t for t in threading.enumerate() if t.name.startswith("nevus-images")]


def test_nothing_gives_nothing() -> None:
    assert list(windowed_map(str, [], workers=2)) == []
