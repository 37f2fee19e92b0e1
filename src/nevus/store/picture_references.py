"""Which rows hold which pictures: the same picture, sent twice, is kept once."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import sqlalchemy as sa
from sqlalchemy.orm import Session

from nevus.store.blobs.port import BlobStore
from nevus.store.chunks import chunks
from nevus.store.serving_tables import PredictionRow, SampleRow


def unreferenced(session: Session, keys: Iterable[str], *, besides: Collection[str]) -> set[str]:
    """Those of the pictures' keys that no row holds, but for the predictions and samples whose ids are `besides`.

    Keys have no index, because every answer would wait for it: the table is walked once for some thousand keys.
    """
    left = set(keys)
    gone = frozenset(besides)
    holders = ((PredictionRow.prediction_id, PredictionRow.image_key), (SampleRow.sample_id, SampleRow.image_key))
    for chunk in chunks(sorted(left)):
        for row_id, key in holders:
            rows = session.execute(sa.select(row_id, key).where(key.in_(chunk)))
            left -= {held for holder, held in rows if holder not in gone}
    return left


def delete_pictures(blobs: BlobStore, keys: Iterable[str]) -> int:
    """Delete blobs; how many were there."""
    return sum(blobs.delete(key) for key in sorted(keys))
