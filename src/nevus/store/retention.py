"""Retention by age: pictures go first, whole predictions later; what people said of them stays.

Each batch deletes its pictures before it changes its rows: after a kill, rows still tell what a repetition has to do.
A picture that younger rows or samples hold stays until the last of them goes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from pydantic import Field
from sqlalchemy.orm import Session

from nevus.settings import Section
from nevus.store import audit
from nevus.store.actor import current_actor
from nevus.store.blobs.port import BlobStore
from nevus.store.columns import now
from nevus.store.database import Store
from nevus.store.picture_references import delete_pictures, unreferenced
from nevus.store.serving_tables import IdempotentAnswerRow, LesionAnswerRow, PredictionRow

_BATCH = 2000
_ANSWERS_AT_ONCE = 500


class RetentionSettings(Section):
    """How long the service keeps what it was sent and what it answered. Null: for ever."""

    pictures_days: float | None = Field(default=None, ge=0)
    """Age at which pictures are deleted; the answers stay."""
    predictions_days: float | None = Field(default=None, ge=0)
    """Age at which answers are deleted whole, with embedding, evidence and picture. Labels and samples stay."""


@dataclass(frozen=True)
class Retired:
    """What went: rows that lost their picture, blobs deleted, predictions, and answers on lesions or kept by key."""

    pictures: int = 0
    blobs: int = 0
    predictions: int = 0
    answers: int = 0


def apply_retention(
    store: Store, blobs: BlobStore, settings: RetentionSettings, *, at: datetime | None = None, by: str | None = None
) -> Retired:
    """Delete what is older than the settings allow.

    Args:
        store, blobs: where predictions and their pictures lie.
        settings: the ages.
        at: the moment from which ages count; now by default.
        by: who asked for it.
    """
    moment, actor, gone = at or now(), by or current_actor(), Counter[str]()
    if settings.predictions_days is not None:
        limit = moment - timedelta(days=settings.predictions_days)
        while batch := _batch(store, limit):
            gone += _forget(store, blobs, batch, actor, whole=True)
        gone += _forget_answers(store, limit, actor)
    if settings.pictures_days is not None:
        limit = moment - timedelta(days=settings.pictures_days)
        while batch := _batch(store, limit, with_pictures=True):
            gone += _forget(store, blobs, batch, actor, whole=False)
    return Retired(**gone)


def forget_kept_answers(store: Store, *, before: datetime) -> int:
    """Delete what was kept for the repetition of requests under an Idempotency-Key; how many.

    Nothing of it stands in the audit: the predictions themselves stay.
    """
    key = (IdempotentAnswerRow.key_id, IdempotentAnswerRow.idempotency_key)
    old = sa.select(*key).where(IdempotentAnswerRow.created_at < before).limit(_ANSWERS_AT_ONCE)
    count = 0
    while True:
        with store.write() as session:  # few at once: answers wait meanwhile
            found = session.execute(old).all()
            for row in found:
                session.execute(sa.delete(IdempotentAnswerRow).where(key[0] == row[0], key[1] == row[1]))
        count += len(found)
        if len(found) < _ANSWERS_AT_ONCE:
            return count


_Held = Sequence[tuple[str, str | None]]
"""Prediction id and its picture's key."""


def _batch(store: Store, limit: datetime, *, with_pictures: bool = False) -> _Held:
    """The oldest predictions before the limit; ids sort by time (UUIDv7), and time has no index of its own."""
    query = sa.select(PredictionRow.prediction_id, PredictionRow.image_key).where(
        PredictionRow.prediction_id < _first_id_of(limit)
    )
    if with_pictures:
        query = query.where(PredictionRow.image_key.is_not(None))
    with store.read() as session:
        return [(row[0], row[1]) for row in session.execute(query.order_by(PredictionRow.prediction_id).limit(_BATCH))]


def _forget(store: Store, blobs: BlobStore, batch: _Held, actor: str, *, whole: bool) -> Counter[str]:
    ids = [prediction_id for prediction_id, _ in batch]
    with store.read() as session:
        free = unreferenced(session, (key for _, key in batch if key), besides=ids)
    deleted = delete_pictures(blobs, free)
    here = PredictionRow.prediction_id.in_(ids)
    with store.write() as session:
        if whole:
            session.execute(sa.delete(PredictionRow).where(here))
        else:
            session.execute(sa.update(PredictionRow).where(here).values(image_key=None))
        gone = Counter({"pictures": sum(key is not None for _, key in batch), "blobs": deleted})
        if whole:
            gone["predictions"] = len(ids)
        _record(session, actor, gone)
    return gone


def _forget_answers(store: Store, limit: datetime, actor: str) -> Counter[str]:
    with store.write() as session:
        count = 0
        for table in (LesionAnswerRow, IdempotentAnswerRow):
            old = table.created_at < limit
            count += session.scalar(sa.select(sa.func.count()).select_from(table).where(old)) or 0
            session.execute(sa.delete(table).where(old))
        gone = Counter({"answers": count})
        if count:
            _record(session, actor, gone)
    return gone


def _record(session: Session, actor: str, gone: Counter[str]) -> None:
    audit.record(session, actor=actor, action="retention.apply", subject="predictions", details=dict(gone))


def _first_id_of(moment: datetime) -> str:
    """What stands before every id (UUIDv7) that was made at the moment or later, and behind all before."""
    digits = f"{int(moment.timestamp() * 1000):012x}"
    return f"{digits[:8]}-{digits[8:]}"
