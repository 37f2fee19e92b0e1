"""How often a test part was opened: each look at it makes the next one worth a little less.

It is counted by image. Another seed, another share or one image more makes another split, but mostly of the same test
images, and a look at them has been taken all the same.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from nevus.store import audit
from nevus.store.actor import current_actor
from nevus.store.chunks import chunks
from nevus.store.columns import now
from nevus.store.database import Store
from nevus.store.tables import OpenedTestImageRow, OpeningRow


@dataclass(frozen=True)
class Opening:
    """One look at a test part: which bundle was measured on it, in which run, by whom, when."""

    split_fingerprint: str
    bundle_digest: str
    run: str
    actor: str
    opened_at: datetime


def record_test_opening(
    store: Store,
    images: Collection[str],
    *,
    split_fingerprint: str,
    bundle_digest: str,
    run: str,
    by: str | None = None,
) -> int:
    """Write down, before the test part is read, that it is.

    Args:
        store: where it is remembered.
        images: the identities (`nevus.data.identity`) of the test part's images.
        split_fingerprint: the split that it belongs to.
        bundle_digest: what is measured on it.
        run: where the results go.
        by: who looks.

    Returns:
        How often the image that was looked at most has been, this time included.
    """
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
        count = 1 + _most_openings(session, images)
        _count_up(session, images)
        audit.record(
            session,
            actor=actor,
            action="test.open",
            subject=f"split:{split_fingerprint}",
            details={"bundle_digest": bundle_digest, "run": run, "opening": count},
        )
    return count


def count_test_openings(store: Store, images: Collection[str]) -> int:
    """How often a test part of these images has been opened: that image of them counts that was looked at most."""
    with store.read() as session:
        return _most_openings(session, images)


def list_test_openings(store: Store, split_fingerprint: str) -> list[Opening]:
    """Every opening of the test part of this split, the first one first."""
    query = sa.select(OpeningRow).where(OpeningRow.split_fingerprint == split_fingerprint).order_by(OpeningRow.id)
    with store.read() as session:
        return [
            Opening(row.split_fingerprint, row.bundle_digest, row.run, row.actor, row.opened_at)
            for row in session.scalars(query)
        ]


def _most_openings(session: Session, images: Collection[str]) -> int:
    most = sa.select(sa.func.max(OpenedTestImageRow.openings))
    found = (session.scalar(most.where(OpenedTestImageRow.identity.in_(chunk))) for chunk in chunks(sorted(images)))
    return max((count or 0 for count in found), default=0)


def _count_up(session: Session, images: Collection[str]) -> None:
    for chunk in chunks(sorted(set(images))):
        among = OpenedTestImageRow.identity.in_(chunk)
        opened = set(session.scalars(sa.select(OpenedTestImageRow.identity).where(among)))
        session.execute(
            sa.update(OpenedTestImageRow).where(among).values(openings=OpenedTestImageRow.openings + 1),
            execution_options={"synchronize_session": False},
        )
        fresh = [{"identity": identity, "openings": 1} for identity in chunk if identity not in opened]
        if fresh:
            session.execute(sa.insert(OpenedTestImageRow), fresh)
