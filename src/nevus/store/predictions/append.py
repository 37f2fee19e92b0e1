"""Writing predictions, many at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from nevus.store.columns import now
from nevus.store.serving_tables import PredictionRow, ServedBundleRow


def append_predictions(connection: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add rows of `PredictionRow`; each has all of its columns."""
    if rows:
        connection.execute(sa.insert(PredictionRow), list(rows))


def remember_bundle(connection: sa.Connection, digest: str, manifest: str) -> None:
    """Keep a bundle's description, so that what it answered can be explained when its directory is gone."""
    known = connection.execute(
        sa.select(ServedBundleRow.bundle_digest).where(ServedBundleRow.bundle_digest == digest)
    ).first()
    if known is None:
        connection.execute(
            sa.insert(ServedBundleRow), {"bundle_digest": digest, "manifest": manifest, "first_served_at": now()}
        )
