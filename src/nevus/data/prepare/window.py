"""A parallel map that keeps the order and never runs further ahead than its window."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

AHEAD = 4
"""Items in flight for each worker: enough to keep all busy while the consumer writes."""


def windowed_map(
    work: Callable[[Item], Result], items: Iterable[Item], *, workers: int
) -> Generator[Result, None, None]:
    """`map(work, items)` on `workers` threads, in order, with at most `AHEAD * workers` items begun and not yet taken.

    An exception of `work` is raised in its turn; what waits behind it is then cancelled.
    """
    waiting: deque[Future[Result]] = deque()
    source = iter(items)
    pool = ThreadPoolExecutor(workers, thread_name_prefix="nevus-prepare")
    try:
        waiting.extend(pool.submit(work, item) for item in islice(source, AHEAD * workers))
        while waiting:
            result = waiting.popleft().result()
            waiting.extend(pool.submit(work, item) for item in islice(source, 1))
            yield result
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
