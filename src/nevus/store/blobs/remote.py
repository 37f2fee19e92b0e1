"""Blobs in an object store, through fsspec."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from upath import UPath

from nevus.errors import NevusError
from nevus.store.blobs.port import BlobMissingError, BlobsError, checked_key

_TIMES = ("LastModified", "last_modified", "updated", "created", "mtime")
"""What object stores call the time of the last upload: S3, Azure, Google, and fsspec's store in memory."""


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
        yield from sorted(self._found(prefix))

    def written(self, prefix: str = "") -> Iterator[tuple[str, float]]:
        """By the object store's clock. Objects of which it tells no time are left out."""
        for key, facts in sorted(self._found(prefix).items()):
            moment = next((facts[name] for name in _TIMES if isinstance(facts.get(name), datetime)), None)
            if moment is not None:
                yield key, moment.timestamp()

    def clear_away(self) -> None:
        """Nothing: an upload becomes an object only when it is complete."""

    def _found(self, prefix: str) -> dict[str, dict[str, Any]]:
        self._files.invalidate_cache()
        folder, _, name = prefix.rpartition("/")
        begins = {"prefix": name} if name else {}  # asked of the store, where its library can
        with self._explained():
            try:
                found = self._files.find(f"{self._root}/{folder}".rstrip("/"), detail=True, **begins)
            except FileNotFoundError:
                self._files.ls(self._root.partition("/")[0])  # tells an empty prefix from a bucket that isn't there
                return {}
        names = {str(path).removeprefix(self._root).lstrip("/"): facts for path, facts in found.items()}
        return {name: facts for name, facts in names.items() if name.startswith(prefix)}

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
