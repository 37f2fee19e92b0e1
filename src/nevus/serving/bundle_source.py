"""From a bundle's address to a folder: as it is, or fetched once into the home folder, whole or not at all."""

from __future__ import annotations

import hashlib
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from nevus.bundle import BundleError, verify_checksums
from nevus.bundle.directory import CHECKSUMS, listed_files
from nevus.errors import NevusError, require, storage_full

FOLDER = "bundles"
"""Of the home folder: what was fetched, each bundle by its digest."""


class BundlePartError(BundleError, LookupError):
    """The bundle has no such file."""


def local_bundle(uri: str, home: Path) -> Path:
    """The folder of a bundle: that of a local path, or for `s3://bucket/prefix` a verified copy in the home folder.

    Several processes may fetch the same bundle at once. A copy that was damaged since is fetched again.

    Raises:
        BundleError: there is no bundle at the address, it can't be reached, or what came isn't what was written.
        MissingExtraError: the library for that kind of address isn't installed.
        StorageFullError: there is no room for it.
    """
    if "://" not in uri:
        return Path(uri).expanduser()
    place = _place(uri)
    if isinstance(place, Path):
        return place
    checksums = _read(place, CHECKSUMS, uri)
    folder = home / FOLDER / hashlib.sha256(checksums).hexdigest()
    if not _whole(folder):
        _fetch(place, uri, checksums, folder)
    return folder


def read_bundle_file(uri: str, home: Path, digest: str, name: str) -> bytes:
    """One file of the bundle with this digest, as it was written.

    Raises:
        BundlePartError: the bundle has no such file.
        BundleError: the bundle is gone or was changed.
    """
    fetched = home / FOLDER / digest
    place = fetched if fetched.is_dir() else (_place(uri) if "://" in uri else Path(uri).expanduser())
    checksums = _read(place, CHECKSUMS, uri)
    if hashlib.sha256(checksums).hexdigest() != digest:
        raise BundleError(f"{uri} holds another bundle than the one with digest {digest[:12]}.")
    expected = listed_files(checksums, uri).get(name)
    if expected is None:
        raise BundlePartError(f"the bundle {digest[:12]} has no {name}.")
    content = _read(place, name, uri)
    if hashlib.sha256(content).hexdigest() != expected:
        raise BundleError(f"{name} of {uri} was changed after the bundle was written.")
    return content


def _place(uri: str) -> Any:
    if uri.startswith("file://"):
        return Path(url2pathname(urlsplit(uri).path))
    if uri.startswith("s3://"):
        require("s3fs", "s3")
    upath = require("upath", "serve")
    with _explained(uri):
        place = upath.UPath(uri)
        place.fs.invalidate_cache()
    return place


def _read(place: Any, name: str, uri: str) -> bytes:
    with _explained(uri):
        try:
            return bytes((place / name).read_bytes())
        except FileNotFoundError as error:
            raise BundleError(f"{uri} is not a model bundle, or not a whole one: it holds no {name}.") from error


def _fetch(place: Any, uri: str, checksums: bytes, folder: Path) -> None:
    partial = folder.with_name(f".{folder.name[:12]}.{secrets.token_hex(6)}")
    try:
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in listed_files(checksums, f"{uri}/{CHECKSUMS}"):
            (partial / name).parent.mkdir(parents=True, exist_ok=True)
            (partial / name).write_bytes(_read(place, name, uri))
        (partial / CHECKSUMS).write_bytes(checksums)
        verify_checksums(partial)
        _move(partial, folder)
    except OSError as error:
        if full := storage_full(error, folder):
            raise full from error
        raise BundleError(f"{uri} can't be kept at {folder}: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _move(partial: Path, folder: Path) -> None:
    if folder.exists() and not _whole(folder):
        damaged = folder.with_name(f".{folder.name[:12]}.{secrets.token_hex(6)}")
        folder.rename(damaged)
        shutil.rmtree(damaged, ignore_errors=True)
    try:
        partial.rename(folder)
    except OSError:
        if not _whole(folder):  # else another process was first
            raise


def _whole(folder: Path) -> bool:
    try:
        return verify_checksums(folder) == folder.name
    except (BundleError, OSError):
        return False


@contextmanager
def _explained(uri: str) -> Iterator[None]:
    """Say in words what keeps us from the address; each store's library has errors of its own."""
    try:
        yield
    except NevusError:
        raise
    except Exception as error:
        raise BundleError(
            f"the bundle {uri} can't be reached ({error}). Check the address, the network and the credentials."
        ) from error
