"""Adding labels and reading them back. A label is never changed and never lost; another one may count instead."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from nevus.errors import InputError
from nevus.store import audit
from nevus.store.columns import now
from nevus.store.database import Store
from nevus.store.ids import new_id
from nevus.store.label import Label
from nevus.store.labels.errors import LabelError
from nevus.store.labels.new_label import NewLabel, check_label
from nevus.store.labels.precedence import supersedes
from nevus.store.plain_text import storable
from nevus.store.predictions.read import UnknownPredictionError
from nevus.store.serving_tables import LabelRow, PredictionRow
from nevus.taxonomy import DIAGNOSES


@dataclass(frozen=True)
class _Subject:
    """The image that a label is about."""

    image_hash: str
    patient_hash: str | None
    lesion_hash: str | None


class Labels:
    """The labels of a store. `by` is the owner of the API key that came with the request, `key_id` that key."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, new: NewLabel, *, by: str, key_id: str | None = None) -> Label:
        """Store a label; `counts` of what is returned says whether it is the image's current one now.

        Raises:
            UnknownPredictionError: no prediction has this id or was made of this image.
            LabelError: a field can't be.
            ConflictingLabelError: a label of the same weight says otherwise, see `precedence.supersedes`.
        """
        with self._store.write() as session:
            return _add(session, new, by, key_id, now())

    def add_many(self, new: Iterable[NewLabel], *, by: str, key_id: str | None = None) -> list[Label | InputError]:
        """Store many in one unit; each has its label or the error that `add` would raise, in their order."""
        results: list[Label | InputError] = []
        with self._store.write() as session:
            for one in new:
                try:
                    results.append(_add(session, one, by, key_id, now()))
                except InputError as error:  # raised before anything of this label is written
                    results.append(error)
        return results

    def current(self, image_hash: str) -> Label | None:
        """The label that counts for an image; None where nobody gave one."""
        with self._store.read() as session:
            row = _current(session, image_hash)
            return Label.from_row(row) if row else None

    def history(self, image_hash: str) -> list[Label]:
        """Every label of an image, the newest first."""
        if not storable(image_hash):
            return []
        newest_first = (LabelRow.created_at.desc(), LabelRow.label_id.desc())
        query = sa.select(LabelRow).where(LabelRow.image_hash == image_hash).order_by(*newest_first)
        with self._store.read() as session:
            return [Label.from_row(row) for row in session.scalars(query)]


def _add(session: Session, new: NewLabel, by: str, key_id: str | None, at: datetime) -> Label:
    check_label(new, at)
    subject = _subject(session, new)
    old = _current(session, subject.image_hash)
    counts = supersedes(new, Label.from_row(old) if old else None)
    row = LabelRow(
        label_id=new_id(),
        image_hash=subject.image_hash,
        prediction_id=new.prediction_id,
        patient_hash=subject.patient_hash,
        lesion_hash=subject.lesion_hash,
        diagnosis=new.diagnosis,
        malignant=DIAGNOSES[new.diagnosis].malignant,
        confirmed_by=new.confirmed_by,
        confirmed_on=new.confirmed_on,
        labelled_by=by,
        key_id=key_id,
        note=new.note,
        created_at=at,
        superseded_by=None if counts or old is None else old.label_id,
    )
    session.add(row)
    session.flush()  # the row that the next line points to
    if counts and old is not None:
        old.superseded_by = row.label_id
    # Neither hash nor note: the audit outlives an erasure, after which the label's id leads to nobody.
    told = {
        "diagnosis": row.diagnosis,
        "confirmed_by": row.confirmed_by,
        "counts": counts,
        "supersedes": old.label_id if counts and old else None,
        "correction": new.replaces is not None,
    }
    audit.record(session, actor=by, action="label.added", subject=f"label/{row.label_id}", details=told)
    return Label.from_row(row)


def _subject(session: Session, new: NewLabel) -> _Subject:
    columns = (PredictionRow.image_hash, PredictionRow.patient_hash, PredictionRow.lesion_hash)
    query = sa.select(*columns).order_by(PredictionRow.prediction_id.desc()).limit(1)
    if new.prediction_id is not None:
        name = f"prediction {new.prediction_id[:80]!r}"
        known = storable(new.prediction_id)
        found = (
            session.execute(query.where(PredictionRow.prediction_id == new.prediction_id)).first() if known else None
        )
    else:
        name = f"prediction of the image {new.image_hash}"
        found = session.execute(query.where(PredictionRow.image_hash == new.image_hash)).first()
    if found is None:
        field = "prediction_id" if new.prediction_id is not None else "image_hash"
        raise UnknownPredictionError(f"there is no {name} in this store.", field)
    if new.image_hash not in (None, found.image_hash):
        raise LabelError("image_hash", f"is not that of the image of {name}; send one of the two.")
    return _Subject(found.image_hash, found.patient_hash, found.lesion_hash)


def _current(session: Session, image_hash: str) -> LabelRow | None:
    if not storable(image_hash):
        return None
    query = sa.select(LabelRow).where(LabelRow.image_hash == image_hash, LabelRow.superseded_by.is_(None))
    return session.scalars(query).first()
