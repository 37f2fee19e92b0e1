"""How often a test part was opened: each look at it makes the next one worth a little less."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from nevus.store import audit
from nevus.store.actor import current_actor
from nevus.store.columns import now
from nevus.store.database import Store
from nevus.store.tables import OpeningRow


@dataclass(frozen=True)
class Opening:
    """One look at a test part: which bundle was measured on it, in which run, by whom, when."""

    split_fingerprint: str
    bundle_digest: str
    run: str
    actor: str
    opened_at: datetime


def record_test_opening(
    store: Store, *, split_fingerprint: str, bundle_digest: str, run: str, by: str | None = None
) -> int:
    """Write down, before the test part is read, that it is; return how often it has been opened, this time included."""
    actor = by or current_actor()
    with store.write() as session:
        session.add(
            OpeningRow(
                split_fingerprint=split_fingerprint,
                bundle_digest=bundle_digest,
                run=run,
                actor=actor,
                opened_at=now(),
            )
        )
        session.flush()
        count = int(session.scalar(_count(split_fingerprint)) or 0)
        audit.record(
            session,
            actor=actor,
            action="test.open",
            subject=f"split:{split_fingerprint}",
            details={"bundle_digest": bundle_digest, "run": run, "opening": count},
        )
    return count


def count_test_openings(store: Store, split_fingerprint: str) -> int:
    """How often the test part of this split has been opened."""
    with store.read() as session:
        return int(session.scalar(_count(split_fingerprint)) or 0)


def list_test_openings(store: Store, split_fingerprint: str) -> list[Opening]:
    """Every opening of the test part of this split, the first one first."""
    query = sa.select(OpeningRow).where(OpeningRow.split_fingerprint == split_fingerprint).order_by(OpeningRow.id)
    with store.read() as session:
        return [
            Opening(row.split_fingerprint, row.bundle_digest, row.run, row.actor, row.opened_at)
            for row in session.scalars(query)
        ]


def _count(split_fingerprint: str) -> sa.Select[Any]:
    return sa.select(sa.func.count()).select_from(OpeningRow).where(OpeningRow.split_fingerprint == split_fingerprint)
