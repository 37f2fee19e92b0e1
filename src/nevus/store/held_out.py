"""Images whose group was once in a test part: they stay test for ever, whatever later splits are drawn."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from nevus.store import audit
from nevus.store.actor import current_actor
from nevus.store.chunks import chunks
from nevus.store.columns import now
from nevus.store.database import Store
from nevus.store.tables import FixedTestImageRow


def fix_test_groups(store: Store, groups: Mapping[str, str], *, split_fingerprint: str, by: str | None = None) -> int:
    """Fix the images of a test part; those fixed before stay as they were.

    Args:
        store: where it is remembered.
        groups: identity of an image (`nevus.data.identity`) -> group id, for every image of the test part.
        split_fingerprint: the split that they come from.
        by: who drew the split.

    Returns:
        How many identities are new; nothing is written into the audit where none is.
    """
    actor = by or current_actor()
    with store.write() as session:
        known = set(session.scalars(sa.select(FixedTestImageRow.identity)))
        fresh = [identity for identity in groups if identity not in known]
        at = now()
        for chunk in chunks(fresh):
            session.execute(
                sa.insert(FixedTestImageRow),
                [
                    {
                        "identity": identity,
                        "group_id": groups[identity],
                        "split_fingerprint": split_fingerprint,
                        "fixed_at": at,
                    }
                    for identity in chunk
                ],
            )
        if fresh:
            audit.record(
                session,
                actor=actor,
                action="test.fix",
                subject=f"split:{split_fingerprint}",
                details={"identities": len(fresh), "groups": len({groups[identity] for identity in fresh})},
            )
    return len(fresh)


def known_test_images(store: Store) -> set[str]:
    """The identities of all images that are fixed as test."""
    with store.read() as session:
        return set(session.scalars(sa.select(FixedTestImageRow.identity)))
