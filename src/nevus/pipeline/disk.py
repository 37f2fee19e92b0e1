"""A disk that fills up, under whatever name the library that met it reports it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nevus.errors import InputError, StorageFullError, means_full

NOTHING_LEFT = 64 * 1024
"""Bytes free below which any failure is put down to the disk: some libraries only say that a write failed."""


@contextmanager
def full_disk_stops(output: Path, doing: str) -> Iterator[None]:
    """Turn any error that means a full disk into `StorageFullError`; others pass."""
    try:
        yield
    except StorageFullError:
        raise
    except Exception as error:
        if not means_full(error) and (isinstance(error, InputError) or not _nothing_left(output)):
            raise
        raise StorageFullError(
            f"the disk that holds {output} filled up during {doing}. What was finished before stays usable. Free some "
            "space and repeat the command: it goes on from there."
        ) from error


def _nothing_left(output: Path) -> bool:
    try:
        return shutil.disk_usage(output).free < NOTHING_LEFT
    except OSError:
        return False
