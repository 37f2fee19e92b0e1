"""A backup's file: a tar of plain files, then their sizes and SHA-256 sums, then the sum of these."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, BinaryIO

from nevus.errors import InputError, storage_full

MANIFEST, MANIFEST_SUM = "manifest.json", "manifest.sha256"
FORMAT, FORMAT_VERSION = "nevus-backup", 1
_BLOCK = 1 << 20


class BackupError(InputError):
    """A file isn't a backup, is damaged, or may not be restored there; nothing was changed."""


class ArchiveWriter:
    """Adds files and remembers their sums."""

    def __init__(self, archive: tarfile.TarFile) -> None:
        self._archive = archive
        self.files: dict[str, dict[str, Any]] = {}

    def add(self, name: str, data: bytes) -> None:
        """Add bytes under a name."""
        self._append(name, io.BytesIO(data), len(data))
        self.files[name] = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}

    def add_file(self, name: str, path: Path) -> None:
        """Add a file that nobody writes to any more."""
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            size = file.tell()
            file.seek(0)
            self._append(name, file, size)
        self.files[name] = {"size": size, "sha256": digest}

    def finish(self, facts: Mapping[str, Any]) -> None:
        """Add the manifest and its sum."""
        head = {"format": FORMAT, "format_version": FORMAT_VERSION}
        text = json.dumps({**head, **facts, "files": self.files}, indent=1, sort_keys=True).encode()
        self._append(MANIFEST, io.BytesIO(text), len(text))
        digest = hashlib.sha256(text).hexdigest().encode()
        self._append(MANIFEST_SUM, io.BytesIO(digest), len(digest))

    def _append(self, name: str, file: BinaryIO | io.BytesIO, size: int) -> None:
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = size, 0o600
        self._archive.addfile(entry, file)


@contextmanager
def writing(path: Path) -> Iterator[ArchiveWriter]:
    """Write an archive that only its owner may read; it takes its name when it is whole.

    Raises:
        StorageFullError: there is no room for it.
        BackupError: it can't be written there.
    """
    partial = path.with_name(path.name + ".partial")
    try:
        partial.unlink(missing_ok=True)
        handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as raw:
            with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as archive:
                yield ArchiveWriter(archive)
            raw.flush()
            os.fsync(raw.fileno())
        partial.replace(path)
    except OSError as error:
        if full := storage_full(error, path):
            raise full from error
        raise BackupError(f"the backup {path} can't be written ({error.strerror or error}).") from error
    finally:
        partial.unlink(missing_ok=True)


def verified(path: Path) -> dict[str, Any]:
    """The manifest of an archive all of whose files are as they were written.

    Raises:
        BackupError: it isn't a backup, or something in it was changed, lost or added.
    """
    sums: dict[str, dict[str, Any]] = {}
    kept: dict[str, bytes] = {}
    try:
        for name, file in members(path):
            if name in (MANIFEST, MANIFEST_SUM):
                kept[name] = file.read()
                continue
            digest, size = hashlib.sha256(), 0
            while block := file.read(_BLOCK):
                digest.update(block)
                size += len(block)
            sums[name] = {"size": size, "sha256": digest.hexdigest()}
    except (OSError, tarfile.TarError, EOFError, ValueError) as error:
        if isinstance(error, BackupError):
            raise
        raise BackupError(f"{path} can't be read as a backup ({error}).") from error
    text = kept.get(MANIFEST, b"")
    if kept.get(MANIFEST_SUM, b"").decode("ascii", "replace") != hashlib.sha256(text).hexdigest():
        raise BackupError(f"{path} is no backup, is cut off, or its manifest is damaged. Take another backup.")
    manifest: dict[str, Any] = json.loads(text)
    if manifest.get("format") != FORMAT or manifest.get("format_version") != FORMAT_VERSION:
        raise BackupError(f"{path} was made by another version of nevus; restore it with that one.")
    wrong = sorted(name for name in {*sums, *manifest["files"]} if sums.get(name) != manifest["files"].get(name))
    if wrong:
        raise BackupError(f"{path} is damaged: {', '.join(wrong[:3])} isn't as it was written. Take another backup.")
    return manifest


def members(path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """Name and content of each file, in their order.

    Raises:
        BackupError: there is something else than files in it, or a name twice.
    """
    seen = set()
    with tarfile.open(path, "r:") as archive:
        for entry in archive:
            file = archive.extractfile(entry) if entry.isreg() else None
            if file is None or entry.name in seen:
                raise BackupError(f"{path} holds {entry.name!r}, which no backup of nevus does.")
            seen.add(entry.name)
            yield entry.name, file
