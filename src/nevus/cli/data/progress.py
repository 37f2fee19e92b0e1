"""Progress that work tells by calling a function; shown from the third second on."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from nevus.cli.progress import PATIENCE

_BETWEEN_LINES = 10.0


class Shown:
    """Call it with what is done, of how much, and what it is."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._began = self._said = monotonic()
        self._bar: object | None = None
        self._task: object = None

    def __call__(self, done: int, total: int, what: str | None = None) -> None:
        """Show it, where it is time to."""
        if monotonic() - self._began < PATIENCE:
            return
        if sys.stderr.isatty():
            self._draw(done, total, what or self._what)
        elif monotonic() - self._said >= _BETWEEN_LINES:
            self._said = monotonic()
            print(f"{done} of {total} {what or self._what}", file=sys.stderr, flush=True)  # noqa: T201

    def close(self) -> None:
        """Take the bar away."""
        from rich.progress import Progress

        if isinstance(self._bar, Progress):
            self._bar.stop()
        self._bar = None

    def _draw(self, done: int, total: int, what: str) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        if not isinstance(self._bar, Progress):
            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
            self._bar.start()
            self._task = self._bar.add_task(what, total=total)
        self._bar.update(self._task, completed=done, total=total, description=what)  # type: ignore[arg-type]


@contextmanager
def shown_progress(what: str) -> Iterator[Shown]:
    """A function to tell progress to."""
    shown = Shown(what)
    try:
        yield shown
    finally:
        shown.close()
