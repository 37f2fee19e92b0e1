"""A run as it is seen in the terminal: one line a step, a bar while it works, a table at the end."""

from __future__ import annotations

import sys
from time import monotonic
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from nevus.pipeline.engines import Event

BETWEEN_LINES = 15.0
"""Seconds between lines of progress where stderr is no terminal."""


class RunDisplay:
    """Listens to an engine and shows what happens on stderr."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._progress: Progress | None = None
        self._task: TaskID | None = None
        self._began = self._said = 0.0

    def __call__(self, event: Event) -> None:
        """Show one event."""
        handlers = {
            "started": self._started,
            "progress": self._going_on,
            "finished": self._finished,
            "skipped": self._skipped,
            "left_out": self._left_out,
            "failed": self._failed,
            "notice": self._notice,
        }
        handlers[event.kind](event)

    def progress(self, done: int, total: int | None, what: str) -> None:
        """Show progress that no engine tells."""
        self._going_on(Event("progress", text=what, done=done, total=total))

    def close(self) -> None:
        """Take the bar away."""
        if self._progress is not None:
            self._progress.stop()
        self._progress = self._task = None

    def _started(self, event: Event) -> None:
        self.close()
        self._began = self._said = monotonic()
        why = f" [dim]({event.text})[/dim]" if event.text else ""
        self._console.print(f"[{event.number}/{event.of}] [bold]{event.step}[/bold]{why}")

    def _going_on(self, event: Event) -> None:
        if not sys.stderr.isatty():
            if monotonic() - self._said >= BETWEEN_LINES:
                self._said = monotonic()
                self._console.print(f"    {event.done} of {event.total or '?'} {event.text}")
            return
        if self._progress is None:
            columns = (TextColumn("   "), BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
            self._progress = Progress(*columns, TimeElapsedColumn(), console=self._console, transient=True)
            self._progress.start()
            self._task = self._progress.add_task(event.text, total=event.total)
        if self._task is not None:
            self._progress.update(self._task, completed=event.done, total=event.total, description=event.text)

    def _finished(self, event: Event) -> None:
        self.close()
        said = "" if event.result is None or event.result.passed else "  [bold red]did not pass[/bold red]"
        self._console.print(f"    done in {monotonic() - self._began:.1f} s{said}")

    def _skipped(self, event: Event) -> None:
        self._console.print(f"[{event.number}/{event.of}] {event.step} [dim]{event.text}[/dim]")

    def _left_out(self, event: Event) -> None:
        self._console.print(f"[{event.number}/{event.of}] {event.step} [yellow]left out: {event.text}[/yellow]")

    def _failed(self, event: Event) -> None:
        self.close()
        self._console.print(f"    [red]failed[/red] in step {event.step}")

    def _notice(self, event: Event) -> None:
        self._console.print(f"    [yellow]note:[/yellow] {event.text}")


def summarise(summaries: dict[str, dict[str, Any]], folder: str) -> None:
    """The table of a finished run, on stdout: headline figures, the gate line by line, what to do next."""
    from rich.table import Table

    console = Console(highlight=False)
    test = summaries.get("evaluate", {}).get("test", {})
    if test:
        table = Table(title="On the test part, one vote an image", title_justify="left")
        for heading in ("score", "value", "95 % interval"):
            table.add_column(heading, justify="left" if heading == "score" else "right")
        for name, figure in test.items():
            interval = "" if figure["low"] is None else f"{figure['low']:.3f} to {figure['high']:.3f}"
            value = "not assessed" if figure["value"] is None else f"{figure['value']:.3f}"
            table.add_row(name.replace("_", " "), value, interval)
        console.print(table)
    for line in summaries.get("gate", {}).get("lines", []):
        mark = "[green]pass[/green]" if line["passed"] else "[red]FAIL[/red]"
        console.print(f"{mark}  {line['rule']}: {line['explanation']}")
    registered = summaries.get("register", {})
    if registered:
        console.print(
            f"\n{registered['version']} is registered as [bold]{registered['state']}[/bold]. {folder}/report.html"
        )
        if registered["state"] == "candidate":
            console.print(f"Next: nevus models approve {registered['version']} --by NAME --note TEXT")
