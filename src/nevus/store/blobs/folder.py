"""Blobs in a local folder: one file each, written beside and renamed, so that a kill leaves whole files only."""

from __future__ import annotations

import itertools
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from nevus.errors import NevusError, storage_full
from nevus.store.blobs.port import BlobMissingError, BlobsError, checked_key

PARTIAL = ".partial"
"""Folder of what is being written. No key begins with a dot."""
_ABANDONED_SECONDS = 3600.0
_numbers = itertools.count()


class FolderBlobs:
    """Files below a folder that only its owner may read.

    Without `durable`, what was put survives a kill of the process but maybe not a power loss in the next half minute;
    with it, every put waits for the disk.
    """

    def __init__(self, folder: Path, *, durable: bool = False) -> None:
        """Make the folder where it is missing, and clear away what a kill left half written there."""
        self.folder = folder.expanduser().absolute()
        self.uri = str(self.folder)
        self._durable = durable
        self._partial = self.folder / PARTIAL
        self._mark = secrets.token_hex(8)
        with self._explained():
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._partial.mkdir(mode=0o700, exist_ok=True)
            self._sweep()

    def put(self, key: str, data: bytes) -> None:
        """Write a new file, then give it its name."""
        target = f"{self.uri}/{checked_key(key)}"
        partial = f"{self.uri}/{PARTIAL}/{os.getpid()}-{next(_numbers)}-{self._mark}"
        try:
            try:
                self._write(partial, data)
                self._move(partial, target)
            except BaseException:
                with suppress(OSError):
                    Path(partial).unlink()
                raise
        except OSError as error:
            raise self._meaning(error) from error

    def get(self, key: str) -> bytes:
        """Read the file."""
        with self._explained(key):
            return self._path(key).read_bytes()

    def delete(self, key: str) -> bool:
        """Remove the file."""
        try:
            with self._explained(key):
                self._path(key).unlink()
        except BlobMissingError:
            return False
        return True

    def exists(self, key: str) -> bool:
        """Whether there is such a file."""
        return self._path(key).is_file()

    def keys(self, prefix: str = "") -> Iterator[str]:
        """The files' paths below the folder."""
        for directory, below, names in os.walk(self.folder / prefix.rpartition("/")[0]):
            inside = Path(directory).relative_to(self.folder).as_posix()
            start = "" if inside == "." else f"{inside}/"
            below[:] = sorted(
                name
                for name in below
                if not name.startswith(".") and f"{start}{name}/".startswith(prefix[: len(start + name) + 1])
            )
            yield from sorted(start + name for name in names if (start + name).startswith(prefix))

    def written(self, prefix: str = "") -> Iterator[tuple[str, float]]:
        """By the files' own times: each put makes a new file."""
        for key in self.keys(prefix):
            with suppress(FileNotFoundError):
                yield key, (self.folder / key).stat().st_mtime

    def clear_away(self) -> None:
        """Remove files that were begun an hour ago."""
        with self._explained():
            self._sweep()

    def _path(self, key: str) -> Path:
        return self.folder / checked_key(key)

    def _write(self, path: str, data: bytes) -> None:
        """Few calls, since each gives Python's lock away and must get it back: every answer waits for this."""
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            written = os.write(handle, data)
            while written < len(data):
                written += os.write(handle, memoryview(data)[written:])
            if self._durable:
                os.fsync(handle)
        finally:
            os.close(handle)

    def _move(self, partial: str, target: str) -> None:
        try:
            os.rename(partial, target)  # noqa: PTH104 - making a Path costs as much as the call
        except FileNotFoundError:
            Path(target).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.rename(partial, target)  # noqa: PTH104 - making a Path costs as much as the call
        if self._durable:
            for folder in Path(target).parents:
                _sync_names(folder)
                if folder == self.folder:
                    break

    def _sweep(self) -> None:
        limit = time.time() - _ABANDONED_SECONDS
        for path in self._partial.iterdir():
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < limit:
                    path.unlink()

    @contextmanager
    def _explained(self, key: str | None = None) -> Iterator[None]:
        try:
            yield
        except NevusError:
            raise
        except OSError as error:
            if key is not None and isinstance(error, FileNotFoundError) and self.folder.is_dir():
                raise BlobMissingError(f"there is no blob {key} in {self.folder}.") from error
            raise self._meaning(error) from error

    def _meaning(self, error: OSError) -> NevusError:
        return storage_full(error, self.folder) or BlobsError(
            f"the folder of pictures {self.folder} can't be used ({error.strerror or error}): is it there, and may "
            "you write in it?"
        )


def _sync_names(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
