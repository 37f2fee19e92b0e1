"""Work on many images at once: a map on threads that keeps the order and never runs further ahead than its window."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

CHUNK = 4
"""Items that a worker takes at once: waking up for every single one costs a tenth of the work on a JPEG."""
AHEAD = 2
"""Chunks begun or waiting for each worker: enough to keep all busy while the consumer writes."""


def windowed_map(
    work: Callable[[Item], Result], items: Iterable[Item], *, workers: int
) -> Generator[Result, None, None]:
    """`map(work, items)` on `workers` threads, in order; at most `CHUNK * AHEAD * workers` items are under way.

    An exception of `work` is raised in its turn; what waits behind it is then cancelled.
    """
    source = iter(items)
    chunks = iter(lambda: list(islice(source, CHUNK)), [])
    waiting: deque[Future[_Done[Result]]] = deque()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="nevus-images")
    try:
        waiting.extend(pool.submit(_work_through, work, chunk) for chunk in islice(chunks, AHEAD * workers))
        while waiting:
            done = waiting.popleft().result()
            waiting.extend(pool.submit(_work_through, work, chunk) for chunk in islice(chunks, 1))
            yield from done.results
            if done.error is not None:
                raise done.error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@dataclass(frozen=True)
class _Done(Generic[Result]):
    """A chunk's results, up to the error that ended it."""

    results: list[Result]
    error: Exception | None = None


def _work_through(work: Callable[[Item], Result], chunk: list[Item]) -> _Done[Result]:
    results: list[Result] = []
    for item in chunk:
        try:
            results.append(work(item))
        except Exception as error:
            return _Done(results, error)
    return _Done(results)


def usable_cpus() -> int:
    """The CPUs that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
