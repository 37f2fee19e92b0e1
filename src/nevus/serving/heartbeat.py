"""What this process did in each minute, written down so that the overview can draw it."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np

from nevus.store import Store
from nevus.store.heartbeats import Heartbeat, beat

_MINUTE = 60.0
_BEAT_SECONDS = 15.0
_STARTING_SECONDS = 1.0
"""So that a service that has just become ready is seen to be."""
UNCOUNTED = frozenset(("/health", "/ready", "/metrics"))
"""Asked by machines all the time; they would drown what people ask."""


class Pulse:
    """Counts requests, and writes the current minute down every fifteen seconds and at its end."""

    def __init__(
        self, store: Store, instance: str, ready: Callable[[], bool], tell: Callable[..., None] = lambda *_, **__: None
    ) -> None:
        self._store, self._instance, self._ready, self._tell = store, instance, ready, tell
        self._seen: deque[tuple[int, float]] = deque()
        self._minute = 0.0
        self._statuses: list[int] = []
        self._seconds: list[float] = []
        self._ends = threading.Event()
        self._thread: threading.Thread | None = None

    def count(self, route: str, status: int, seconds: float) -> None:
        """A request was answered. Cheap: called for each."""
        if route not in UNCOUNTED:
            self._seen.append((status, seconds))

    def start(self) -> None:
        """Beat in a thread of its own from now on."""
        self._thread = threading.Thread(target=self._work, name="nevus-pulse", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Write the last minute down and stop."""
        self._ends.set()
        if self._thread is not None:
            self._thread.join(timeout=10)

    def beat(self, at: float) -> None:
        """Write down what was counted until now, in the minute of `at` (seconds since 1970).

        Raises:
            NevusError: the store can't be written; what was counted is kept for the next time of the same minute.
        """
        minute = at - at % _MINUTE
        if minute != self._minute:
            self._minute, self._statuses, self._seconds = minute, [], []
        while self._seen:
            status, seconds = self._seen.popleft()
            self._statuses.append(status)
            self._seconds.append(seconds)
        times = np.array(self._seconds) * 1e3
        beat(
            self._store,
            Heartbeat(
                self._instance,
                datetime.fromtimestamp(minute, UTC),
                self._ready(),
                requests=len(self._statuses),
                refused=sum(400 <= status < 500 for status in self._statuses),
                failed=sum(status >= 500 for status in self._statuses),
                median_ms=round(float(np.median(times)), 3) if len(times) else None,
                p99_ms=round(float(np.percentile(times, 99)), 3) if len(times) else None,
            ),
        )

    def _work(self) -> None:
        while True:
            now = time.time()
            # What was counted until a minute's end belongs to that minute, so it is written before the next begins.
            wait = min(_BEAT_SECONDS if self._ready() else _STARTING_SECONDS, _MINUTE - now % _MINUTE)
            ended = self._ends.wait(wait)
            try:
                self.beat(min(time.time(), now - now % _MINUTE + _MINUTE - 0.001))
            except Exception as error:  # the store is away; the service goes on
                self._tell("heartbeat_not_written", error=str(error))
            if ended:
                return
