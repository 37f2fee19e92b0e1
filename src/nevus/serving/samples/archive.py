"""A zip of pictures with one table in it, opened without trusting anything that it says of itself."""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO

from nevus.imaging import UnreadableImageError
from nevus.serving.errors import ProblemError
from nevus.serving.samples.offered import Offered, plain_name, unsafe_name
from nevus.store.samples import RejectedSample

FIELD = "archive"
MOST_TABLE_BYTES = 20_000_000
_END = struct.Struct("<4s4H2LH")
_LONGEST_COMMENT = 65_535
_ZIP64_LOCATOR = (b"PK\x06\x07", 20)
_ENTRY_BYTES = 1024
"""More than an entry of the central directory has for a name of usual length."""
_NESTED = (".zip", ".7z", ".rar", ".tar", ".gz", ".tgz", ".bz2", ".xz")
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError)
"""What reading a damaged or unusual entry raises."""


@dataclass(frozen=True)
class Archive:
    """files: the pictures to be. refused: entries that nobody will read. table, folder: the table and where it lies."""

    files: list[Offered]
    refused: list[RejectedSample]
    table: bytes
    folder: str


@contextmanager
def open_archive(file: BinaryIO, *, most_files: int, most_bytes: int, most_file_bytes: int) -> Iterator[Archive]:
    """Open a zip.

    Args:
        file: the upload.
        most_files: entries that it may have.
        most_bytes: that all of them may have together, unpacked.
        most_file_bytes: that one of them may have, unpacked.

    Raises:
        ProblemError: 422, it is no zip, has too many entries, unpacks to too much, or has no or several tables.
    """
    _check_end(file, most_files)
    try:
        opened = zipfile.ZipFile(file)
    except _DAMAGE as error:
        raise _refused(f"the archive can't be read as a zip ({error}).") from error
    with opened:
        entries = [entry for entry in opened.infolist() if not _left_out(entry)]
        if len(entries) > most_files:
            raise _refused(f"the archive has {len(entries)} files; {most_files} are allowed.")
        if sum(entry.file_size for entry in entries) > most_bytes:
            raise _refused(f"the archive unpacks to more than the {most_bytes / 1e6:g} MB that are allowed.")
        table = _table(entries)
        folder = plain_name(table.filename).rpartition("/")[0]
        refused = {entry.filename: found for entry in entries if (found := _refusal(entry, most_file_bytes))}
        files = [
            Offered(plain_name(entry.filename), partial(_read, opened, entry))
            for entry in entries
            if entry is not table and entry.filename not in refused
        ]
        if table.filename in refused:
            raise _refused(f"the table {table.filename[:80]!r}: {refused[table.filename].message}")
        if table.file_size > MOST_TABLE_BYTES:
            raise _refused(f"the table is larger than {MOST_TABLE_BYTES / 1e6:g} MB.")
        try:
            content = _read(opened, table)
        except UnreadableImageError as error:
            raise _refused("the table in the archive is damaged.") from error
        yield Archive(files, list(refused.values()), content, folder)


def _check_end(file: BinaryIO, most_files: int) -> None:
    """Look at how long the list of entries says it is, before a list of millions is read."""
    file.seek(0, 2)
    size = file.tell()
    tail_size = min(size, _END.size + _LONGEST_COMMENT + _ZIP64_LOCATOR[1])
    file.seek(size - tail_size)
    tail = file.read(tail_size)
    place = tail.rfind(b"PK\x05\x06")
    if place < 0 or len(tail) - place < _END.size:
        raise _refused("the archive is no zip, or is cut off.")
    _, _, _, _, entries, list_bytes, _, _ = _END.unpack_from(tail, place)
    zip64 = tail[max(0, place - _ZIP64_LOCATOR[1]) : place].startswith(_ZIP64_LOCATOR[0])
    if entries > 2 * most_files or zip64 or list_bytes > 2 * most_files * _ENTRY_BYTES:
        raise _refused(f"the archive has more than the {most_files} files that are allowed.")
    file.seek(0)


def _left_out(entry: zipfile.ZipInfo) -> bool:
    """Folders, and what operating systems leave in archives."""
    parts = plain_name(entry.filename).split("/")
    return entry.is_dir() or parts[0] == "__MACOSX" or parts[-1] in (".DS_Store", "Thumbs.db", "desktop.ini")


def _table(entries: list[zipfile.ZipInfo]) -> zipfile.ZipInfo:
    tables = [entry for entry in entries if entry.filename.lower().endswith(".csv")]
    if len(tables) != 1:
        raise _refused(f"the archive has {len(tables) or 'no'} tables; put one CSV file into it.")
    return tables[0]


def _refusal(entry: zipfile.ZipInfo, most_bytes: int) -> RejectedSample | None:
    name = entry.filename[:200]
    kind = stat.S_IFMT(entry.external_attr >> 16)
    wrong = unsafe_name(entry.filename)
    if wrong:
        return RejectedSample(name, "bad_name", wrong)
    if kind not in (0, stat.S_IFREG):
        return RejectedSample(name, "not_a_file", "this is a link or a device, not a file.")
    if entry.filename.lower().endswith(_NESTED):
        return RejectedSample(name, "nested_archive", "archives within archives are not opened.")
    if entry.flag_bits & 1:
        return RejectedSample(name, "encrypted", "the file is encrypted.")
    if entry.file_size > most_bytes:
        return RejectedSample(name, "too_large", f"the file has more than {most_bytes / 1e6:g} MB.")
    return None


def _read(opened: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    try:
        with opened.open(entry) as file:  # gives no more than the size that was checked
            return file.read(entry.file_size + 1)
    except _DAMAGE as error:
        raise UnreadableImageError(f"its entry in the archive is damaged ({error}).", "truncated") from error


def _refused(detail: str) -> ProblemError:
    return ProblemError(422, detail, field=FIELD)
