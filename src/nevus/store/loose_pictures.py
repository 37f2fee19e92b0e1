"""Pictures that no row names: of answers and uploads that a kill cut off between the picture and its row.

Nobody could find them by their patient, so they go by themselves, a day after they were written: no request takes as
long, and a picture that is sent again is written anew. What was put between the look at its time and its deletion, some
millionths of a second in a folder and one request to an object store, would be lost.

A place for pictures belongs to one store. Where much of what lies there is named by no row, this isn't its store, or an
older one was restored: then nothing goes by itself.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from nevus.errors import NevusError
from nevus.store.blobs.port import BlobStore
from nevus.store.chunks import chunks
from nevus.store.database import Store
from nevus.store.picture_references import unreferenced
from nevus.store.serving_tables import PredictionRow, SampleRow

OLD_SECONDS = 86_400.0
MOST_LOOKED_AT = 20_000
"""Pictures after which a round ends, at the end of a prefix, which is a sixteenth of all."""
FEW, SMALL_SHARE = 20, 0.01
"""More loose ones than either, of those looked at, are not what kills leave behind."""
_KEY = re.compile(r"(?:images|samples)/[0-9a-f]{2}/([0-9a-f]{64})\.(?:jpg|png)")
PREFIXES = tuple(f"{kind}/{digit}" for kind in ("images", "samples") for digit in "0123456789abcdef")


class TooManyLooseError(NevusError, RuntimeError):
    """So many pictures are loose that something else must be wrong."""


@dataclass(frozen=True)
class Looked:
    """Pictures old enough to be looked at, those of them that no row names, and how many of these were deleted."""

    pictures: int = 0
    loose: tuple[str, ...] = ()
    deleted: int = 0

    @property
    def plausible(self) -> bool:
        """Whether kills may have left as many."""
        loose = len(self.loose)
        return loose <= self.pictures - loose and loose <= max(FEW, SMALL_SHARE * self.pictures)


class LooseSweep:
    """A walk through all pictures, some thousand in each round, that begins anywhere and never ends."""

    def __init__(self, store: Store, blobs: BlobStore, *, most: int = MOST_LOOKED_AT) -> None:
        self._store, self._blobs, self._most = store, blobs, most
        self._next = random.randrange(len(PREFIXES))  # noqa: S311 - several processes share the work

    def round(self) -> Looked:
        """Look at the next pictures, and delete what is loose.

        Raises:
            TooManyLooseError: there are more than kills leave behind; nothing was deleted.
            StoreError: the store or the pictures can't be reached.
        """
        looked = look(self._store, self._blobs, self._prefixes(), most=self._most)
        if not looked.plausible:
            raise TooManyLooseError(
                f"{len(looked.loose)} of {looked.pictures} pictures in {self._blobs.uri} are named by no row: is it "
                "the place of another store, or was an older database restored? Nothing was deleted; see "
                "`nevus pictures`."
            )
        return Looked(looked.pictures, looked.loose, delete(self._blobs, looked.loose))

    def _prefixes(self) -> Iterator[str]:
        for _ in PREFIXES:
            prefix = PREFIXES[self._next]
            self._next = (self._next + 1) % len(PREFIXES)
            yield prefix


def look(store: Store, blobs: BlobStore, prefixes: Iterator[str] | Sequence[str], *, most: int | None = None) -> Looked:
    """Which of the pictures with these beginnings are a day old and named by no row.

    Args:
        store, blobs: rows and pictures.
        prefixes: asked one by one, until there were `most` pictures.
        most: None: all.
    """
    pictures, loose = 0, list[str]()
    for prefix in prefixes:
        limit = time.time() - OLD_SECONDS
        old = [key for key, at in blobs.written(prefix) if at < limit and _KEY.fullmatch(key)]
        if old:
            pictures += len(old)
            with store.read() as session:
                loose += _loose(session, old)
        if most is not None and pictures >= most:
            break
    return Looked(pictures, tuple(loose))


def delete(blobs: BlobStore, keys: Sequence[str]) -> int:
    """Delete those that weren't put again meanwhile; how many."""
    count = 0
    for key in keys:
        at = dict(blobs.written(key)).get(key)
        if at is not None and at < time.time() - OLD_SECONDS:
            count += blobs.delete(key)
    return count


def _loose(session: Session, keys: Sequence[str]) -> list[str]:
    """By hashes, which have an index, as keys have not; what seems loose then is looked for by its key too."""
    hashes = {key: found[1] for key in keys if (found := _KEY.fullmatch(key))}
    held = set[str]()
    for chunk in chunks(sorted(set(hashes.values()))):
        for table in (PredictionRow, SampleRow):
            held |= set(session.scalars(sa.select(table.image_key).where(table.image_hash.in_(chunk))))
    seeming = set(keys) - held
    return sorted(unreferenced(session, seeming, besides=())) if seeming else []
