"""What two versions have answered, on the same images and on their own, read for a comparison."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, aliased

from nevus.store.database import Store
from nevus.store.serving_tables import LabelRow, PredictionRow

MOST = 50_000
"""Rows of one comparison: the newest."""

_COLUMNS = ("prediction_id", "diagnosis", "probabilities", "p_malignant", "verdict")


@dataclass(frozen=True)
class Answered:
    """One image's answer by one version, and its truth where somebody has labelled it.

    group: the unit of chance: patient, else lesion, else image. truth, malignant: of the label that counts now.
    labelled_at: when the image got its first label.
    """

    prediction_id: str
    diagnosis: str | None
    probabilities: dict[str, float] | None
    p_malignant: float | None
    verdict: str
    image_hash: str
    group: str
    truth: str | None
    malignant: bool | None
    labelled_at: datetime | None


def answered_in_pairs(
    store: Store,
    champion: str,
    challenger: str,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
) -> list[tuple[Answered, Answered]]:
    """What the champion answered and the challenger judged beside it (shadow), oldest first, each image once.

    Args:
        store: where they are.
        champion, challenger: digests of the bundles.
        start, end: of the champion's answers; from the one, before the other.
    """
    own, shadow = aliased(PredictionRow), aliased(PredictionRow)
    shown = [getattr(shadow, name).label(f"shadow_{name}") for name in _COLUMNS]
    query = (
        _with_truth(own, *shown)
        .join(shadow, shadow.shadow_of == own.prediction_id)
        .where(own.bundle_digest == champion, shadow.bundle_digest == challenger, *_between(own, start, end))
    )
    with store.read() as session:
        rows = [row._mapping for row in session.execute(_newest(query, own))]
    return [(_answered(row), _answered(row, "shadow_")) for row in _each_image_once(rows)]


def answered_by_arm(
    store: Store, digest: str, arm: str, *, start: datetime | None = None, end: datetime | None = None
) -> list[Answered]:
    """What one version answered as champion or challenger, oldest first, each image once."""
    own = aliased(PredictionRow)
    query = _with_truth(own).where(own.bundle_digest == digest, own.arm == arm, *_between(own, start, end))
    with store.read() as session:
        rows = [row._mapping for row in session.execute(_newest(query, own))]
    return [_answered(row) for row in _each_image_once(rows)]


def _with_truth(own: Any, *more: Any) -> sa.Select[Any]:
    first = (
        sa.select(LabelRow.image_hash, sa.func.min(LabelRow.created_at).label("labelled_at"))
        .group_by(LabelRow.image_hash)
        .subquery()
    )
    columns: list[InstrumentedAttribute[Any]] = [getattr(own, name) for name in (*_COLUMNS, "image_hash")]
    group = sa.func.coalesce(own.patient_hash, own.lesion_hash, own.image_hash).label("own_group")
    return (
        sa.select(*columns, group, LabelRow.diagnosis.label("truth"), LabelRow.malignant, first.c.labelled_at, *more)
        .select_from(own)
        .outerjoin(LabelRow, sa.and_(LabelRow.image_hash == own.image_hash, LabelRow.superseded_by.is_(None)))
        .outerjoin(first, first.c.image_hash == own.image_hash)
    )


def _between(own: Any, start: datetime | None, end: datetime | None) -> list[sa.ColumnElement[bool]]:
    return [
        *([own.created_at >= start] if start is not None else []),
        *([own.created_at < end] if end is not None else []),
    ]


def _newest(query: sa.Select[Any], own: Any) -> sa.Select[Any]:
    return query.order_by(own.prediction_id.desc()).limit(MOST)


def _each_image_once(rows: list[Any]) -> list[Any]:
    """The oldest answer on each image: an image that is sent twice says nothing more the second time."""
    found: dict[str, Any] = {}
    for row in reversed(rows):
        found.setdefault(row["image_hash"], row)
    return list(found.values())


def _answered(row: Any, prefix: str = "") -> Answered:
    return Answered(
        **{name: row[prefix + name] for name in _COLUMNS},
        image_hash=row["image_hash"],
        group=row["own_group"],
        truth=row["truth"],
        malignant=row["malignant"],
        labelled_at=row["labelled_at"],
    )
