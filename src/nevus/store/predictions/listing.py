"""Lists of predictions, the newest first, a page at a time."""

from __future__ import annotations

import base64
import binascii
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import sqlalchemy as sa

from nevus.store.database import Store
from nevus.store.predictions.filters import FilterError, PredictionFilter
from nevus.store.predictions.stored import StoredPrediction
from nevus.store.serving_tables import LabelRow, PredictionRow

MOST_ROWS = 500


@dataclass(frozen=True)
class PredictionPage:
    """Some predictions, and where the older ones begin; `next_cursor` is None on the last page."""

    predictions: tuple[StoredPrediction, ...]
    next_cursor: str | None


def list_predictions(
    store: Store, wanted: PredictionFilter | None = None, *, cursor: str | None = None, limit: int = 100
) -> PredictionPage:
    """A page of the predictions that a filter lets through, the newest first.

    Predictions that are made meanwhile stand before the first page and move nothing behind it.

    Args:
        store: where they are.
        wanted: the filter; None: everything but shadows.
        cursor: `next_cursor` of the page before, asked with the same filter.
        limit: rows a page, 1 to 500.

    Raises:
        FilterError: a condition, the cursor or the limit can't be; its `field` says which.
    """
    if not 1 <= limit <= MOST_ROWS:
        raise FilterError("limit", f"must lie between 1 and {MOST_ROWS}.")
    counts = sa.and_(LabelRow.image_hash == PredictionRow.image_hash, LabelRow.superseded_by.is_(None))
    query = sa.select(PredictionRow, LabelRow).outerjoin(LabelRow, counts)
    query = query.where(*(wanted or PredictionFilter()).conditions())
    if cursor is not None:
        query = query.where(PredictionRow.prediction_id < _id_in(cursor))
    with store.read() as session:
        rows = session.execute(query.order_by(PredictionRow.prediction_id.desc()).limit(limit + 1)).all()
    found = tuple(StoredPrediction.from_row(row, label) for row, label in rows[:limit])
    return PredictionPage(found, _cursor_after(found[-1].prediction_id) if len(rows) > limit else None)


def iterate_predictions(store: Store, wanted: PredictionFilter | None = None) -> Iterator[StoredPrediction]:
    """All of them, read page by page: for exports."""
    cursor = None
    while True:
        page = list_predictions(store, wanted, cursor=cursor, limit=MOST_ROWS)
        yield from page.predictions
        cursor = page.next_cursor
        if cursor is None:
            return


def _cursor_after(prediction_id: str) -> str:
    return base64.urlsafe_b64encode(uuid.UUID(prediction_id).bytes).decode().rstrip("=")


def _id_in(cursor: str) -> str:
    try:
        return str(uuid.UUID(bytes=base64.b64decode(f"{cursor}==".encode("ascii"), b"-_", validate=True)))
    except (ValueError, binascii.Error):
        raise FilterError("cursor", "is none that this list has given; begin without one.") from None
