"""Prepared images in a local folder."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from nevus.data.prepare.storage.port import ShardSink
from nevus.errors import storage_full

PARTIAL = ".partial"
_BLOCK = 1 << 20


class LocalStorage:
    """Files of one folder; written under another name, flushed to the disk, then renamed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.expanduser().absolute()
        self.uri = str(self._folder)

    def read(self, name: str) -> bytes:
        """The file's bytes."""
        return (self._folder / name).read_bytes()

    @contextmanager
    def writing(self, name: str) -> Iterator[ShardSink]:
        """Write a file; it takes its name when the block ends without an exception."""
        path = self._folder / name
        partial = path.with_name(name + PARTIAL)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with partial.open("wb") as raw:
                yield ShardSink(raw)
                raw.flush()
                os.fsync(raw.fileno())
            partial.replace(path)
            self._sync_names()
        except BaseException as error:
            with suppress(OSError):
                partial.unlink(missing_ok=True)
            if full := storage_full(error, path):
                raise full from error
            raise

    def intact(self, name: str, *, size: int, sha256: str) -> bool:
        """Whether the file is there with its bytes unchanged (all are read)."""
        path = self._folder / name
        return path.is_file() and path.stat().st_size == size and file_sha256(path) == sha256

    def names(self) -> list[str]:
        """The names of all files, sorted."""
        if not self._folder.is_dir():
            return []
        return sorted(path.name for path in self._folder.iterdir() if path.is_file())

    def remove(self, name: str) -> None:
        """Delete the file, if it is there."""
        (self._folder / name).unlink(missing_ok=True)

    def local_path(self, name: str, *, size: int, sha256: str, cache: Path) -> Path:  # noqa: ARG002 - the port's
        """The file itself."""
        path = self._folder / name
        if not path.is_file():
            raise FileNotFoundError(path)
        return path

    def _sync_names(self) -> None:
        """Make a rename survive a power cut."""
        handle = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def file_sha256(path: Path) -> str:
    """SHA-256 (hex) of a file, read block by block."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
