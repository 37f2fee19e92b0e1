"""The bounded queue at the door: who comes when it is full is told at once, and when to come again."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from nevus.serving.errors import ProblemError

LONGEST_WAIT = 30


class Admission:
    """Lets so many requests in; the rest are answered 429.

    `Retry-After` grows with the crowd: the seconds in which all who were turned away in the last second could be
    served at the present pace. So many callers wait long enough not to keep the service busy with turning them away.
    """

    def __init__(self, most: int, computing: Callable[[], int], clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._computing, self._clock = most, computing, clock
        self._inside = 0
        self._second = int(clock())
        self._now = [0, 0]
        self._last = [0, 0]
        """Served and turned away, in this second and in the one before."""

    def check(self, images: int = 1) -> None:
        """Refuse now what would only wait.

        Raises:
            ProblemError: 429, the queue is full.
        """
        depth = max(self._inside, self._computing())
        if depth > 0 and depth + images > self._most:
            self._count(1)
            raise ProblemError(
                429,
                "the service is at its limit; try again in a moment.",
                headers={"Retry-After": str(self.wait_seconds())},
            )

    @contextmanager
    def inside(self, images: int = 1) -> Iterator[None]:
        """Be let in, and count as one who waits until the end.

        Raises:
            ProblemError: 429, the queue is full.
        """
        self.check(images)
        self._inside += images
        try:
            yield
        finally:
            self._inside -= images
            self._count(0)

    def wait_seconds(self) -> int:
        """What `Retry-After` says now, 1 to 30."""
        self._turn()
        served, away = (max(pair) for pair in zip(self._now, self._last, strict=True))
        return min(LONGEST_WAIT, 1 + math.floor(away / max(served, 1)))

    def _count(self, which: int) -> None:
        self._turn()
        self._now[which] += 1

    def _turn(self) -> None:
        second = int(self._clock())
        if second != self._second:
            self._last = self._now if second == self._second + 1 else [0, 0]
            self._now, self._second = [0, 0], second
