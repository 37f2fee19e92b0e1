"""Images whose group was once in a test part: they stay test for ever, whatever later splits are drawn."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import sqlalchemy as sa

from nevus.store import audit
from nevus.store.actor import current_actor
from nevus.store.columns import now
from nevus.store.database import Store
from nevus.store.tables import FixedTestImageRow

_ROWS_AT_ONCE = 5000


def fix_test_groups(
    store: Store, dataset: str, groups: Mapping[str, str], *, split_fingerprint: str, by: str | None = None
) -> int:
    """Fix the images of a test part; those fixed before stay as they were.

    Args:
        store: where it is remembered.
        dataset: the dataset that the image ids are unique in.
        groups: image id -> group id, for every image of the test part.
        split_fingerprint: the split that they come from.
        by: who drew the split.

    Returns:
        How many images are new; nothing is written into the audit where none is.
    """
    actor = by or current_actor()
    with store.write() as session:
        known = set(session.scalars(_of(dataset)))
        fresh = [image for image in groups if image not in known]
        at = now()
        for chunk in _chunks(fresh):
            session.execute(
                sa.insert(FixedTestImageRow),
                [
                    {
                        "dataset": dataset,
                        "image_id": image,
                        "group_id": groups[image],
                        "split_fingerprint": split_fingerprint,
                        "fixed_at": at,
                    }
                    for image in chunk
                ],
            )
        if fresh:
            audit.record(
                session,
                actor=actor,
                action="test.fix",
                subject=f"dataset:{dataset}",
                details={
                    "split_fingerprint": split_fingerprint,
                    "images": len(fresh),
                    "groups": len({groups[image] for image in fresh}),
                },
            )
    return len(fresh)


def known_test_images(store: Store, datasets: Collection[str] | None = None) -> set[str]:
    """The image ids that are fixed as test, of these datasets or of all."""
    with store.read() as session:
        if datasets is None:
            return set(session.scalars(sa.select(FixedTestImageRow.image_id)))
        return {image for dataset in set(datasets) for image in session.scalars(_of(dataset))}


def _of(dataset: str) -> sa.Select[Any]:
    return sa.select(FixedTestImageRow.image_id).where(FixedTestImageRow.dataset == dataset)


def _chunks(images: list[str]) -> Iterator[list[str]]:
    return (images[start : start + _ROWS_AT_ONCE] for start in range(0, len(images), _ROWS_AT_ONCE))
