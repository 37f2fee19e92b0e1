"""From an address to the storage that serves it."""

from __future__ import annotations

from pathlib import Path

from upath import UPath

from nevus.data.prepare.storage.local import LocalStorage
from nevus.data.prepare.storage.port import PreparedStorage
from nevus.data.prepare.storage.remote import RemoteStorage
from nevus.errors import InputError, require


def open_storage(uri: str | Path) -> PreparedStorage:
    """The storage at a local path, `file://` or an object store's address such as `s3://bucket/prefix`.

    Raises:
        MissingExtraError: the library for that kind of address isn't installed.
        InputError: no such kind of address.
    """
    text = str(uri)
    if "://" not in text:
        return LocalStorage(Path(text))
    if text.startswith("file://"):
        return LocalStorage(Path(UPath(text).path))
    if text.startswith("s3://"):
        require("s3fs", "s3")
    try:
        return RemoteStorage(UPath(text))
    except (ValueError, ImportError) as error:
        raise InputError(f"{text} is not an address that images can be prepared at: {error}") from error
