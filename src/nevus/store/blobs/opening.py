"""From an address to the place for pictures that serves it."""

from __future__ import annotations

from pathlib import Path

from nevus.errors import InputError, require
from nevus.store.blobs.folder import FolderBlobs
from nevus.store.blobs.port import BlobStore

FOLDER = "blobs"
"""Of the home folder, where no address is given."""


def open_blobs(url: str | None, home: Path, *, durable: bool = False) -> BlobStore:
    """The place at a path, at `file://…` or at an object store's address such as `s3://bucket/prefix`.

    Args:
        url: the address; None is the folder `blobs` of the home folder.
        home: the home folder.
        durable: whether a put into a folder waits for the disk; an object store always does.

    Raises:
        MissingExtraError: the library for that kind of address isn't installed.
        InputError: no such kind of address.
        BlobsError: the folder can't be made or used.
    """
    if url is None:
        return FolderBlobs(home / FOLDER, durable=durable)
    if "://" not in url:
        return FolderBlobs(Path(url), durable=durable)
    if url.startswith("s3://"):
        require("s3fs", "s3")
    from upath import UPath

    from nevus.store.blobs.remote import RemoteBlobs

    try:
        place = UPath(url)
        files = place.fs
    except (ValueError, ImportError) as error:
        raise InputError(f"{url} is not an address that pictures can be kept at: {error}") from error
    if "file" in (files.protocol if isinstance(files.protocol, tuple) else (files.protocol,)):
        return FolderBlobs(Path(place.path), durable=durable)
    return RemoteBlobs(place)
