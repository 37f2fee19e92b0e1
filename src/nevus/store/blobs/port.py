"""What a place for pictures must be able to do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Protocol

from nevus.errors import NevusError
from nevus.store.failures import StoreError

_KEY = re.compile(r"[a-z0-9][a-z0-9._-]*(/[a-z0-9][a-z0-9._-]*)*")
_LONGEST_KEY = 200


class BlobKeyError(NevusError, ValueError):
    """A key that no blob may have."""


class BlobMissingError(NevusError, LookupError):
    """There is no blob of that key."""


class BlobsError(StoreError):
    """The place can't be reached, read or written."""


class BlobStore(Protocol):
    """Bytes by key, such as `images/ab/<SHA-256 of the bytes>.jpg`. May be used by several threads at once.

    Every method raises BlobKeyError for a key that isn't one, and BlobsError where the place can't be used.
    """

    uri: str

    def put(self, key: str, data: bytes) -> None:
        """Keep the bytes under the key, replacing what was there. They appear whole or not at all.

        Raises:
            StorageFullError: there is no room for them.
        """

    def get(self, key: str) -> bytes:
        """The bytes.

        Raises:
            BlobMissingError: there are none.
        """

    def delete(self, key: str) -> bool:
        """Remove the blob; False where there was none."""

    def exists(self, key: str) -> bool:
        """Whether there is such a blob."""

    def keys(self, prefix: str = "") -> Iterator[str]:
        """The keys that begin so, sorted."""

    def written(self, prefix: str = "") -> Iterator[tuple[str, float]]:
        """The keys that begin so with the time of their last put, in seconds since 1970."""

    def clear_away(self) -> None:
        """Remove what a kill left half written long ago."""


def checked_key(key: str) -> str:
    """The key, if it is one: parts of a-z, 0-9, `.`, `_`, `-` that begin with a letter or digit, without `..`.

    Raises:
        BlobKeyError: it isn't.
    """
    if len(key) > _LONGEST_KEY or ".." in key or not _KEY.fullmatch(key):
        raise BlobKeyError(f"{key[:_LONGEST_KEY]!r} can't be the key of a blob.")
    return key
