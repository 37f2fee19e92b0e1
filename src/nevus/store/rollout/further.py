"""Further versions: those that every server of the store keeps loaded for requests that name them."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa

from nevus.errors import InputError
from nevus.store import audit
from nevus.store.actor import current_actor
from nevus.store.columns import now
from nevus.store.database import Store
from nevus.store.registry.references import find_row
from nevus.store.registry.rows import to_version
from nevus.store.registry.states import State
from nevus.store.registry.version import ModelVersion
from nevus.store.serving_tables import FurtherVersionRow
from nevus.store.tables import VersionRow


class FurtherVersionError(InputError):
    """A version can't be kept loaded, or let go, as things are."""


def further_versions(store: Store) -> list[ModelVersion]:
    """The versions that are to be loaded beside champion and challenger, in the order in which they were asked for.

    One that nobody has approved isn't among them, whoever asked for it.
    """
    query = (
        sa.select(VersionRow)
        .join(FurtherVersionRow, FurtherVersionRow.version_id == VersionRow.id)
        .order_by(FurtherVersionRow.changed_at, VersionRow.id)
    )
    with store.read() as session:
        return [version for version in map(to_version, session.scalars(query)) if version.may_answer]


def require_approved(version: ModelVersion) -> None:
    """Refuse a version that nobody answers for.

    Raises:
        FurtherVersionError: it is a candidate or rejected, or was retired without ever being approved.
    """
    if version.may_answer:
        return
    said_no = version.state is State.REJECTED
    why = f" ({'; '.join(version.reasons)})" if said_no else ""
    override = ", and an override that says why although the gate said no" if said_no else ""
    raise FurtherVersionError(
        f"{version.ref} is {version.state}{why}: nobody has approved it, so it may not answer. An admin can approve it "
        f"first, with a note{override}: POST /v1/models/{version.ref}/approve, or `nevus models approve {version.ref}`."
    )


def keep_loaded(
    store: Store, ref: str, *, most: int, answering: Collection[str] = (), by: str | None = None
) -> ModelVersion:
    """Let every server load a version; one that is among them already is left alone, and not told again.

    Args:
        store: the store that the servers share.
        ref: the version.
        most: how many further versions there may be.
        answering: digests of bundles that are loaded anyhow, and so don't count.
        by: who acts.

    Raises:
        FurtherVersionError: there are as many already, or nobody has approved it.
        UnknownVersionError: there is no such version.
    """
    actor = by or current_actor()
    with store.write() as session:
        row = find_row(session, ref)
        require_approved(to_version(row))
        if session.get(FurtherVersionRow, row.id) is not None:
            return to_version(row)
        kept = session.scalars(
            sa.select(VersionRow.bundle_digest).join(FurtherVersionRow, FurtherVersionRow.version_id == VersionRow.id)
        )
        count = len(set(kept) - {*answering, row.bundle_digest})
        if count >= most and row.bundle_digest not in answering:
            raise FurtherVersionError(
                f"{count + len(set(answering))} versions are loaded, as many as serving.max_loaded allows; unload one "
                "first."
            )
        session.add(FurtherVersionRow(version_id=row.id, changed_at=now(), changed_by=actor))
        audit.record(session, actor=actor, action="model.load", subject=f"{row.model}/{row.number}")
        return to_version(row)


def let_go(store: Store, ref: str, *, by: str | None = None) -> ModelVersion:
    """Let every server unload a further version.

    Raises:
        FurtherVersionError: it isn't among them.
        UnknownVersionError: there is no such version.
    """
    actor = by or current_actor()
    with store.write() as session:
        row = find_row(session, ref)
        kept = session.get(FurtherVersionRow, row.id)
        if kept is None:
            raise FurtherVersionError(
                f"{row.model}/{row.number} is not among the further versions that are loaded; champion and challenger "
                "stay loaded."
            )
        session.delete(kept)
        audit.record(session, actor=actor, action="model.unload", subject=f"{row.model}/{row.number}")
        return to_version(row)
