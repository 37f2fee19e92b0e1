"""What a place for prepared images must be able to do."""

from __future__ import annotations

import hashlib
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO, Protocol


class ShardSink:
    """A file being written that counts and hashes what passes through."""

    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw
        self._digest = hashlib.sha256()
        self.bytes = 0
        self.closed = False

    def write(self, data: bytes | memoryview) -> int:
        """Pass the bytes on; returns their number."""
        view = memoryview(data).cast("B")
        self._raw.write(view)
        self._digest.update(view)
        self.bytes += len(view)
        return len(view)

    def flush(self) -> None:
        """Nothing: the storage flushes when the file is complete."""

    @property
    def sha256(self) -> str:
        """Of all bytes so far, hex."""
        return self._digest.hexdigest()


class PreparedStorage(Protocol):
    """A flat folder of files, each of which appears whole or not at all."""

    uri: str

    def read(self, name: str) -> bytes:
        """The file's bytes; FileNotFoundError where it is missing."""

    def writing(self, name: str) -> AbstractContextManager[ShardSink]:
        """Write a file; it takes its name when the block ends without an exception.

        Raises:
            StorageFullError: there is no room for it.
        """

    def intact(self, name: str, *, size: int, sha256: str) -> bool:
        """Whether the file is there as it was written."""

    def names(self) -> list[str]:
        """The names of all files, sorted."""

    def remove(self, name: str) -> None:
        """Delete the file, if it is there."""

    def local_path(self, name: str, *, size: int, sha256: str, cache: Path) -> Path:
        """A local path of the file for memory-mapping; a remote file is copied below `cache` and checked first."""
