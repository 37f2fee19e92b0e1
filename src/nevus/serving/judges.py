"""The computing threads. What waits for them is taken a few at a time, and worked on stage by stage."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from nevus.imaging.decode import pixels_in_full
from nevus.serving.judging import Judged, Task, judge_together
from nevus.serving.settling import settle
from nevus.store.blobs import BlobStore

MOST_TOGETHER = 4
"""Images that a thread takes at once when so many wait: what they share is done once, and stays in its caches."""
LARGE_PIXELS = 12_000_000
"""From here on images that must be decoded in full are judged one at a time: a few would take all memory there is."""


@dataclass(frozen=True, slots=True)
class _Job:
    work: Task | Callable[[], Any]
    loop: asyncio.AbstractEventLoop
    done: asyncio.Future[Any]


class Judges:
    """So many threads. A thread shares what waits with those that are idle, and takes four images at most."""

    def __init__(self, threads: int, blobs: BlobStore | None) -> None:
        self._blobs = blobs
        self._idle, self._idle_lock = 0, threading.Lock()
        self._large = ThreadPoolExecutor(1, "nevus-large")
        self._waiting: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._threads = [threading.Thread(target=self._work, name="nevus-infer", daemon=True) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    async def judge(self, task: Task) -> Judged:
        """Judge an image.

        Raises:
            ProblemError: the image can't be read.
            BlobsError: its picture can't be kept.
        """
        found: Judged = await self._put(task)
        return found

    async def run(self, function: Callable[[], Any]) -> Any:
        """Do other work of a model in one of these threads."""
        return await self._put(function)

    def close(self) -> None:
        """Let what waits be done, and end the threads."""
        for _ in self._threads:
            self._waiting.put(None)
        for thread in self._threads:
            thread.join()
        self._large.shutdown(wait=True)

    def _put(self, work: Task | Callable[[], Any]) -> asyncio.Future[Any]:
        loop = asyncio.get_running_loop()
        job = _Job(work, loop, loop.create_future())
        self._waiting.put(job)
        return job.done

    def _work(self) -> None:
        while (jobs := self._take()) is not None:
            for kind, some in groupby(jobs, key=lambda job: job.work.model if isinstance(job.work, Task) else None):
                if kind is None:
                    for job in some:
                        settle([(job.loop, job.done, _result(job.work))])
                else:
                    self._judge(list(some))

    def _take(self) -> list[_Job] | None:
        """The next jobs that anybody still waits for; None at the end."""
        with self._idle_lock:
            self._idle += 1
        first = self._waiting.get()
        with self._idle_lock:
            self._idle -= 1
        if first is None:
            return None
        jobs = [first]
        share = min(MOST_TOGETHER, 1 + self._waiting.qsize() // (self._idle + 1)) if isinstance(first.work, Task) else 1
        while len(jobs) < share:
            try:
                job = self._waiting.get_nowait()
            except queue.Empty:
                break
            if job is None:
                self._waiting.put(None)  # this thread's or another's sign to end, once these are done
                break
            jobs.append(job)
        return [job for job in jobs if not job.done.cancelled()]

    def _judge(self, jobs: Sequence[_Job]) -> None:
        """Judge what is small; what isn't goes to the thread for large images, where no other waits for it."""
        small: list[_Job] = []
        for job in jobs:
            if isinstance(job.work, Task) and pixels_in_full(job.work.data) > LARGE_PIXELS:
                self._large.submit(self._together, [job])
            else:
                small.append(job)
        if small:
            self._together(small)

    def _together(self, jobs: Sequence[_Job]) -> None:
        jobs = [job for job in jobs if not job.done.cancelled()]
        if not jobs:
            return
        tasks = [job.work for job in jobs if isinstance(job.work, Task)]
        results = judge_together(tasks, self._blobs)
        settle([(job.loop, job.done, result) for job, result in zip(jobs, results, strict=True)])


def _result(function: Any) -> Any:
    try:
        return function()
    except Exception as error:  # whatever it is, who waits must hear of it
        return error
