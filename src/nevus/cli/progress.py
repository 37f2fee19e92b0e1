"""Progress on stderr for work that takes longer than two seconds; nothing for work that doesn't."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from time import monotonic
from typing import TypeVar

PATIENCE = 2.0
"""Seconds before anything is shown."""
_BETWEEN_LINES = 10.0
"""Seconds between lines where stderr is a file or a pipe."""

Item = TypeVar("Item")


def with_progress(items: Iterable[Item], total: int, what: str) -> Iterator[Item]:
    """Yield `items` as they come and show how many of `total` are done: in a terminal a bar, else a line at times."""
    start = monotonic()
    iterator = iter(items)
    done = 0
    while monotonic() - start < PATIENCE:
        try:
            item = next(iterator)
        except StopIteration:
            return
        done += 1
        yield item
    shown = _bar if sys.stderr.isatty() else _lines
    yield from shown(iterator, done, total, what)


def _bar(items: Iterator[Item], done: int, total: int, what: str) -> Iterator[Item]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=total, completed=done)
        for item in items:
            progress.advance(task)
            yield item


def _lines(items: Iterator[Item], done: int, total: int, what: str) -> Iterator[Item]:
    last = float("-inf")
    for item in items:
        done += 1
        if monotonic() - last >= _BETWEEN_LINES:
            last = monotonic()
            print(f"{done} of {total} {what}", file=sys.stderr, flush=True)  # noqa: T201
        yield item
