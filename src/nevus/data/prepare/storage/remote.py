"""Prepared images in an object store, through fsspec."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from upath import UPath

from nevus.data.prepare.storage.local import LocalStorage, file_sha256
from nevus.data.prepare.storage.port import ShardSink
from nevus.errors import InputError, NevusError, storage_full

_BLOCK = 16 << 20


class FetchError(NevusError, OSError):
    """A file of an object store didn't arrive as it was written."""


class UnreachableStorageError(InputError, OSError):
    """An object store doesn't answer, doesn't let us in, or has no such bucket."""


class RemoteStorage:
    """Objects under one prefix; an upload becomes an object only when it is complete."""

    def __init__(self, prefix: UPath) -> None:
        self._prefix = prefix
        self.uri = str(prefix).rstrip("/")

    def read(self, name: str) -> bytes:
        """The object's bytes."""
        with self._reached():
            return bytes((self._prefix / name).read_bytes())

    @contextmanager
    def writing(self, name: str) -> Iterator[ShardSink]:
        """Upload an object in blocks; it appears when the block ends without an exception, else it is discarded."""
        target = self._prefix / name
        upload = target.fs.open(target.path, "wb", block_size=_BLOCK, autocommit=False)
        try:
            with self._reached():
                yield ShardSink(upload)
                upload.close()
                upload.commit()
        except BaseException as error:
            upload.closed = True  # else its destructor would complete the upload
            with suppress(Exception):
                upload.discard()
            if full := storage_full(error, str(target)):
                raise full from error
            raise
        target.fs.invalidate_cache(target.parent.path)

    def intact(self, name: str, *, size: int, sha256: str) -> bool:  # noqa: ARG002 - the port's
        """Whether the object is there at its size. Its bytes are checked when it is fetched for reading."""
        target = self._prefix / name
        target.fs.invalidate_cache()
        with self._reached():
            try:
                return int(target.fs.size(target.path)) == size
            except FileNotFoundError:
                return False

    def names(self) -> list[str]:
        """The names of all objects, sorted."""
        files = self._prefix.fs
        files.invalidate_cache()
        with self._reached():
            try:
                found = files.ls(self._prefix.path, detail=True)
            except FileNotFoundError:
                return []
        return sorted(entry["name"].rsplit("/", 1)[-1] for entry in found if entry["type"] == "file")

    def remove(self, name: str) -> None:
        """Delete the object, if it is there."""
        with self._reached(), suppress(FileNotFoundError):
            self._prefix.fs.rm_file((self._prefix / name).path)

    def local_path(self, name: str, *, size: int, sha256: str, cache: Path) -> Path:
        """A checked copy below `cache`, fetched where it is missing; several processes may do so at once.

        Raises:
            FetchError: what arrived isn't what the index promises.
            StorageFullError: the cache's disk is full.
        """
        path = cache / f"{sha256[:16]}-{name}"
        if path.is_file() and path.stat().st_size == size:
            return path
        fetched = f"{path.name}.{os.getpid()}"
        source = self._prefix / name
        with (
            LocalStorage(cache).writing(fetched) as out,
            source.open("rb", block_size=_BLOCK, cache_type="none") as raw,
        ):
            while block := raw.read(_BLOCK):
                out.write(block)
        if file_sha256(cache / fetched) != sha256:
            (cache / fetched).unlink()
            raise FetchError(
                f"{source} is not what its index promises (SHA-256 differs). Delete it and prepare again: "
                "only that shard is made anew."
            )
        (cache / fetched).replace(path)
        return path

    @contextmanager
    def _reached(self) -> Iterator[None]:
        """Say in words what keeps us from the store: no such bucket, no credentials, no permission, no answer."""
        try:
            yield
        except NevusError:
            raise
        except PermissionError as error:
            raise UnreachableStorageError(
                f"{self.uri} refuses access ({error}). Check the credentials (AWS_ACCESS_KEY_ID, AWS_PROFILE) and the "
                "bucket's policy."
            ) from error
        except FileNotFoundError as error:
            if "bucket" not in str(error).lower():
                raise
            raise UnreachableStorageError(f"{self.uri}: there is no such bucket. Make it, or correct it.") from error
        except Exception as error:
            if not type(error).__module__.startswith("botocore"):
                raise
            raise UnreachableStorageError(
                f"{self.uri} can't be reached ({error}). Check the address (AWS_ENDPOINT_URL), the network and the "
                "credentials."
            ) from error
