"""Reading single predictions back."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from nevus.errors import InputError
from nevus.store.database import Store
from nevus.store.predictions.stored import StoredPrediction
from nevus.store.serving_tables import LabelRow, PredictionRow, ServedBundleRow


class UnknownPredictionError(InputError, LookupError):
    """No prediction has this id, or is of this image; `field` names which of them was said."""

    def __init__(self, said: str, field: str = "prediction_id") -> None:
        super().__init__(said)
        self.field = field


def find_prediction(store: Store, prediction_id: str) -> StoredPrediction:
    """The prediction with this id, and the label that counts for its image.

    Raises:
        UnknownPredictionError: there is none.
    """
    query = (
        sa.select(PredictionRow, LabelRow)
        .outerjoin(LabelRow, sa.and_(LabelRow.image_hash == PredictionRow.image_hash, LabelRow.superseded_by.is_(None)))
        .where(PredictionRow.prediction_id == prediction_id)
        .order_by(LabelRow.created_at.desc())
    )
    with store.read() as session:
        found = session.execute(query).first()
        if found is None:
            raise UnknownPredictionError(f"there is no prediction {prediction_id[:80]!r} in this store.")
        return StoredPrediction.from_row(found[0], found[1])


def served_manifest(store: Store, digest: str) -> str | None:
    """`bundle.json` of a bundle that has answered, as it was; None where none of this digest has."""
    with store.read() as session:
        return session.scalar(sa.select(ServedBundleRow.manifest).where(ServedBundleRow.bundle_digest == digest))


def first_served(store: Store, digest: str) -> datetime | None:
    """When a bundle was loaded to answer for the first time; None where it never was."""
    with store.read() as session:
        return session.scalar(sa.select(ServedBundleRow.first_served_at).where(ServedBundleRow.bundle_digest == digest))
