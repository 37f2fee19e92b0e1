"""Writing predictions, many at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from nevus.store.chunks import chunks
from nevus.store.columns import now
from nevus.store.engine import exclusive
from nevus.store.serving_tables import PredictionRow, ServedBundleRow


def append_predictions(connection: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add rows of `PredictionRow`; each has all of its columns."""
    if rows:
        connection.execute(sa.insert(PredictionRow), list(rows))


def append_shadows(connection: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> int:
    """Add rows of shadows, each with the picture that the answer beside it still has; how many.

    A shadow whose answer is there no more isn't written: somebody has erased it meanwhile, or its time was over. No
    erasure runs beside this, so none can miss what is written here.
    """
    exclusive(connection)
    answers: dict[str, str | None] = {}
    for chunk in chunks(sorted({row["shadow_of"] for row in rows})):
        query = sa.select(PredictionRow.prediction_id, PredictionRow.image_key)
        found = connection.execute(query.where(PredictionRow.prediction_id.in_(chunk)))
        answers |= {row[0]: row[1] for row in found}
    kept = [{**row, "image_key": answers[row["shadow_of"]]} for row in rows if row["shadow_of"] in answers]
    append_predictions(connection, kept)
    return len(kept)


def remember_bundle(connection: sa.Connection, digest: str, manifest: str) -> None:
    """Keep a bundle's description, so that what it answered can be explained when its directory is gone."""
    known = connection.execute(
        sa.select(ServedBundleRow.bundle_digest).where(ServedBundleRow.bundle_digest == digest)
    ).first()
    if known is None:
        connection.execute(
            sa.insert(ServedBundleRow), {"bundle_digest": digest, "manifest": manifest, "first_served_at": now()}
        )
