"""A full queue says so at once, and the longer the crowd before it, the later it asks to come again."""

from __future__ import annotations

import pytest

from nevus.serving.admission import LONGEST_WAIT, Admission
from nevus.serving.errors import ProblemError


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_so_many_come_in_and_the_next_when_one_has_left():
    admission = Admission(2, lambda: 0)
    with admission.inside():
        with admission.inside(), pytest.raises(ProblemError) as refused, admission.inside():
            pass
        assert refused.value.status == 429
        with admission.inside():
            pass


def test_what_computes_counts_too_but_an_empty_house_takes_any_request():
    busy = [3]
    admission = Admission(3, lambda: busy[0])
    with pytest.raises(ProblemError):
        admission.check()
    busy[0] = 0
    admission.check(images=50)


def test_the_wait_grows_with_the_crowd_and_falls_when_it_is_gone():
    clock = Clock()
    admission = Admission(1, lambda: 0, clock)
    with admission.inside():
        waits = []
        for _ in range(10):
            with pytest.raises(ProblemError) as refused:
                admission.check()
            waits.append(int(refused.value.headers["Retry-After"]))
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (2, 11)
    clock.now += 1
    assert admission.wait_seconds() == 11
    clock.now += 2
    assert admission.wait_seconds() == 1


def test_nobody_is_sent_away_for_longer_than_half_a_minute():
    admission = Admission(1, lambda: 1)
    for _ in range(200):
        with pytest.raises(ProblemError):
            admission.check()
    assert admission.wait_seconds() == LONGEST_WAIT
