"""Running a dataset's own client and watching that it gets on."""

from __future__ import annotations

import os
import subprocess  # nosec B404 - the official clients are programs
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from nevus.data.fetch.errors import FetchError

STALLED_SECONDS = 300.0
"""Without a new byte for so long, a download is given up; the clients' own retries would go on for hours."""
_LOOK_EVERY = 1.0
_TAIL = 1500

Watch = Callable[[], tuple[int, int]]
"""Tells images and bytes that are there."""


def run_client(
    command: Sequence[str],
    watch: Watch,
    *,
    progress: Callable[[int], None] | None = None,
    stalled_seconds: float = STALLED_SECONDS,
) -> str:
    """Run a client until it ends.

    Args:
        command: the program and its arguments; it gets no input, so it can't wait for an answer.
        watch: what has come so far.
        progress: told the images that are there, about once a second.
        stalled_seconds: give up when nothing has come for so long.

    Returns:
        The end of what it printed.

    Raises:
        FetchError: it failed or stalled; what it printed last is in the message.
    """
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(  # noqa: S603 # nosec B603 - a fixed program, no shell
            list(command), stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            _follow(process, watch, progress, stalled_seconds)
        finally:
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(timeout=10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
        said = _tail(log)
    if process.returncode:
        raise FetchError(f"the client ended with code {process.returncode}. It said last: {said or 'nothing'}")
    return said


def _follow(
    process: subprocess.Popen[bytes], watch: Watch, progress: Callable[[int], None] | None, stalled_seconds: float
) -> None:
    last, since = watch(), time.monotonic()
    while True:
        try:
            process.wait(timeout=_LOOK_EVERY)
            return
        except subprocess.TimeoutExpired:
            now = watch()
        if now != last:
            last, since = now, time.monotonic()
            if progress:
                progress(now[0])
        elif time.monotonic() - since > stalled_seconds:
            raise FetchError(
                f"nothing has come for {stalled_seconds:.0f} seconds, so the download was given up. What has come "
                "stays; repeat the command to continue."
            )


def _tail(log: IO[bytes]) -> str:
    size = log.seek(0, os.SEEK_END)
    log.seek(max(0, size - _TAIL))
    return log.read().decode("utf-8", "replace").strip()


def folder_watch(folder: Path, ending: str = ".jpg") -> Watch:
    """Counts the files with that ending, and the bytes of all files."""

    def watch() -> tuple[int, int]:
        images = size = 0
        if folder.is_dir():
            with os.scandir(folder) as entries:
                for entry in entries:
                    try:
                        size += entry.stat().st_size
                    except FileNotFoundError:  # a temporary file that was just renamed
                        continue
                    images += entry.name.lower().endswith(ending)
        return images, size

    return watch
