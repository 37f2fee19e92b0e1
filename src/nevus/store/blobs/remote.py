"""Blobs in an object store, through fsspec."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from upath import UPath

from nevus.errors import NevusError
from nevus.store.blobs.port import BlobMissingError, BlobsError, checked_key


class RemoteBlobs:
    """Objects under one prefix; an upload becomes an object only when it is complete."""

    def __init__(self, prefix: UPath) -> None:
        """Reach nothing yet; the first use does."""
        self.uri = str(prefix).rstrip("/")
        self._files = prefix.fs
        self._root = prefix.path.rstrip("/")

    def put(self, key: str, data: bytes) -> None:
        """Upload the object."""
        path = self._path(key)
        with self._explained():
            self._files.pipe_file(path, data)

    def get(self, key: str) -> bytes:
        """Download the object."""
        path = self._path(key)
        with self._explained(key):
            return bytes(self._files.cat_file(path))

    def delete(self, key: str) -> bool:
        """Remove the object."""
        if not self.exists(key):
            return False
        with self._explained():
            self._files.rm_file(self._path(key))
        return True

    def exists(self, key: str) -> bool:
        """Whether there is such an object, asked of the store itself."""
        path = self._path(key)
        self._files.invalidate_cache()
        try:
            with self._explained(key):
                return bool(self._files.info(path)["type"] == "file")
        except BlobMissingError:
            return False

    def keys(self, prefix: str = "") -> Iterator[str]:
        """The objects' names behind the prefix of this place."""
        self._files.invalidate_cache()
        folder = prefix.rpartition("/")[0]
        with self._explained():
            try:
                found = self._files.find(f"{self._root}/{folder}".rstrip("/"))
            except FileNotFoundError:
                self._files.ls(self._root.partition("/")[0])  # tells an empty prefix from a bucket that isn't there
                return
        names = (str(path).removeprefix(self._root).lstrip("/") for path in found)
        yield from sorted(name for name in names if name.startswith(prefix))

    def _path(self, key: str) -> str:
        return f"{self._root}/{checked_key(key)}"

    @contextmanager
    def _explained(self, key: str | None = None) -> Iterator[None]:
        """Say in words what keeps us from the store: no such bucket, no credentials, no permission, no answer."""
        try:
            yield
        except NevusError:
            raise
        except PermissionError as error:
            raise BlobsError(
                f"{self.uri} refuses access ({error}). Check the credentials (AWS_ACCESS_KEY_ID, AWS_PROFILE) and the "
                "bucket's policy."
            ) from error
        except FileNotFoundError as error:
            if key is not None and "bucket" not in str(error).lower():
                raise BlobMissingError(f"there is no blob {key} in {self.uri}.") from error
            raise BlobsError(f"{self.uri}: there is no such bucket. Make it, or correct it.") from error
        except Exception as error:  # each store's library has errors of its own
            raise BlobsError(
                f"{self.uri} can't be reached ({error}). Check the address (AWS_ENDPOINT_URL), the network and the "
                "credentials."
            ) from error
