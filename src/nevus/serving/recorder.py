"""The recorder: what the service answers is in the database before it is answered, many answers a commit."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from nevus.errors import StorageFullError
from nevus.serving.settling import settle
from nevus.store import Store
from nevus.store.failures import StoreBusyError, StoreUnreachableError
from nevus.store.predictions import append_predictions

MOST_AT_ONCE = 256
LINGER_SECONDS = 0.008
"""While other images are computing, a commit waits so long for their answers: a third of the commits for 8 ms."""

_OUTAGES = (StoreBusyError, StoreUnreachableError, StorageFullError)
"""The fault of no answer in particular."""

Write = Callable[[sa.Connection], None]
"""Adds further rows of one answer."""


@dataclass(frozen=True)
class _Job:
    rows: Sequence[Mapping[str, Any]]
    also: Write | None
    loop: asyncio.AbstractEventLoop
    done: asyncio.Future[None]


class Recorder:
    """One thread that writes what waits in one transaction, and then lets all those answers go out.

    After the death of the process, every answer that went out is in the database. Where one answer's rows are refused,
    the others are written without it.
    """

    def __init__(
        self, store: Store, *, survive_power_loss: bool = False, others: Callable[[], bool] = lambda: False
    ) -> None:
        self._store, self._survive, self._others = store, survive_power_loss, others
        self._waiting: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="nevus-recorder", daemon=True)
        self._thread.start()

    async def record(self, rows: Sequence[Mapping[str, Any]], also: Write | None = None) -> None:
        """Write rows of predictions, and what else belongs to their answer, and wait until it is committed.

        Raises:
            StoreError: the database refuses or can't be reached; nothing of this answer was written.
        """
        loop = asyncio.get_running_loop()
        job = _Job(rows, also, loop, loop.create_future())
        self._waiting.put(job)
        await job.done

    def close(self) -> None:
        """Write what waits, and end the thread."""
        self._waiting.put(None)
        self._thread.join(timeout=60)

    def _work(self) -> None:
        while True:
            first = self._waiting.get()
            if first is None:
                return
            jobs, ends = [first], False
            if self._others():
                time.sleep(LINGER_SECONDS)
            while len(jobs) < MOST_AT_ONCE:
                try:
                    job = self._waiting.get_nowait()
                except queue.Empty:
                    break
                if job is None:
                    ends = True
                    break
                jobs.append(job)
            self._write(jobs)
            if ends:
                return

    def _write(self, jobs: list[_Job]) -> None:
        try:
            with self._store.append(survive_power_loss=self._survive) as connection:
                # A locked store may have kept us until nobody waited any more: they were told to ask again.
                jobs = [job for job in jobs if not job.done.done()]
                append_predictions(connection, [row for job in jobs for row in job.rows])
                for job in jobs:
                    if job.also is not None:
                        job.also(connection)
        except Exception as error:  # whatever it is, those who wait must hear of it
            if len(jobs) == 1 or isinstance(error, _OUTAGES):  # one by one they would wait for the store in turn
                settle([(job.loop, job.done, error) for job in jobs])
                return
            for job in jobs:
                self._write([job])
            return
        settle([(job.loop, job.done, None) for job in jobs])
