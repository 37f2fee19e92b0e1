"""Shadows: a second model judges what the first has answered, unseen, when a processor is free."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nevus.serving.judging import Subject, shadow_row
from nevus.serving.lineup import LoadedModel
from nevus.serving.metrics import Metrics
from nevus.store import Store
from nevus.store.predictions import append_shadows

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

_MOST_BYTES = 256_000_000
_MOST_ROWS = 32
_PAUSE_SECONDS = 0.005
_END_SECONDS = 5.0


@dataclass(frozen=True)
class _Job:
    model: LoadedModel
    image: bytes
    subject: Subject
    answered: dict[str, Any]


class Shadows:
    """One thread that works only while not every computing thread is busy, so that no answer waits for a shadow.

    What doesn't fit into the bounded backlog is dropped and counted; a shadow is a sample, not a duty.
    """

    def __init__(
        self, store: Store, metrics: Metrics, log: FilteringBoundLogger, *, most: int, busy: Callable[[], bool]
    ) -> None:
        self._store, self._metrics, self._log, self._most, self._busy = store, metrics, log, most, busy
        self._backlog: deque[_Job] = deque()
        self._bytes = 0
        self._changed = threading.Condition()
        self._ends: float | None = None
        self._thread = threading.Thread(target=self._work, name="nevus-shadow", daemon=True)
        self._thread.start()

    def put(
        self, model: LoadedModel, images: Sequence[bytes], subject: Subject, answered: Sequence[dict[str, Any]]
    ) -> None:
        """Let `model` judge images whose answers are stored already, sometime; the rows are those of the answers."""
        with self._changed:
            for image, row in zip(images, answered, strict=True):
                if len(self._backlog) >= self._most or self._bytes + len(image) > _MOST_BYTES or self._ends:
                    self._metrics.shadows.labels("dropped").inc()
                    continue
                self._backlog.append(_Job(model, image, subject, row))
                self._bytes += len(image)
            self._metrics.shadow_backlog.set(len(self._backlog))
            self._changed.notify()

    def close(self) -> None:
        """Judge what waits, for five seconds at most, and end the thread."""
        with self._changed:
            self._ends = time.monotonic() + _END_SECONDS
            self._changed.notify()
        self._thread.join(timeout=2 * _END_SECONDS)

    def _work(self) -> None:
        rows: list[dict[str, Any]] = []
        while (job := self._next(wait=not rows)) is not None or rows:
            if job is not None:
                row = self._judge(job)
                rows += [row] if row else []
            if rows and (job is None or len(rows) >= _MOST_ROWS):
                self._write(rows)
                rows = []

    def _next(self, *, wait: bool) -> _Job | None:
        with self._changed:
            while wait and not self._backlog and not self._ends:
                self._changed.wait()
            if not self._backlog or (self._ends and time.monotonic() > self._ends):
                return None
            job = self._backlog.popleft()
            self._bytes -= len(job.image)
            self._metrics.shadow_backlog.set(len(self._backlog))
        while self._busy() and not self._ends:
            time.sleep(_PAUSE_SECONDS)
        return job

    def _judge(self, job: _Job) -> dict[str, Any] | None:
        try:
            row = shadow_row(job.model, job.image, job.subject, job.answered)
        except Exception as error:  # a second model's failure is nobody's but its own
            self._log.warning("shadow_failed", model=job.model.ref, error=str(error))
            row = None
        self._metrics.shadows.labels("judged" if row else "failed").inc()
        return row

    def _write(self, rows: list[dict[str, Any]]) -> None:
        try:
            with self._store.append() as connection:
                kept = append_shadows(connection, rows)
            self._metrics.shadows.labels("forgotten").inc(len(rows) - kept)
        except Exception as error:  # the store is away; the answers themselves are stored or refused elsewhere
            self._metrics.shadows.labels("dropped").inc(len(rows))
            self._log.warning("shadows_not_stored", rows=len(rows), error=str(error))
