"""Pictures that no row names yet are remembered, so that none stays behind when its answer was never given.

A picture is put aside before its row is written. Where the row never comes (another image of the request was broken,
the store refused, time ran out), erasure and retention, which go by rows, would not find it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from nevus.store import Store
from nevus.store.blobs import BlobStore
from nevus.store.picture_references import delete_pictures, unreferenced


class NotedBlobs:
    """A place for pictures that knows which of those put there are not yet named by a row, as far as it was told."""

    def __init__(self, blobs: BlobStore, clock: Callable[[], float] = time.monotonic) -> None:
        self._blobs, self._clock = blobs, clock
        self._open: dict[str, float] = {}
        self.uri = blobs.uri

    def put(self, key: str, data: bytes) -> None:
        """Note the key, then keep the bytes."""
        self._open[key] = self._clock()
        self._blobs.put(key, data)

    def get(self, key: str) -> bytes:
        """The bytes."""
        return self._blobs.get(key)

    def delete(self, key: str) -> bool:
        """Remove the blob."""
        return self._blobs.delete(key)

    def exists(self, key: str) -> bool:
        """Whether there is such a blob."""
        return self._blobs.exists(key)

    def keys(self, prefix: str = "") -> Iterator[str]:
        """The keys that begin so."""
        return self._blobs.keys(prefix)

    def written(self, prefix: str = "") -> Iterator[tuple[str, float]]:
        """The keys that begin so, with the times of their last puts."""
        return self._blobs.written(prefix)

    def clear_away(self) -> None:
        """Remove what a kill left half written."""
        self._blobs.clear_away()

    def recorded(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """These rows are in the database, and name their pictures."""
        for row in rows:
            self._open.pop(row["image_key"], None)

    def forget_loose(self, store: Store, *, after_seconds: float) -> int:
        """Delete what was put longer ago and no row names; how many.

        Raises:
            StoreError: the store or the pictures can't be reached; what is left is tried the next time.
        """
        since = self._clock() - after_seconds
        old = [key for key, at in list(self._open.items()) if at <= since]
        if not old:
            return 0
        with store.read() as session:
            loose = unreferenced(session, old, besides=())
        deleted = delete_pictures(self._blobs, loose)
        for key in old:
            self._open.pop(key, None)
        return deleted
