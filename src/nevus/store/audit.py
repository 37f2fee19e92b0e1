"""The audit: every decision, in a chain of hashes that shows what was changed, removed or moved afterwards.

A row's hash covers its sequence, time, actor, action, subject, details and the hash before it. `audit_head` keeps the
last one apart, so that rows cut off the end are missed too. Someone who may write to the database can compute a whole
new chain, though; against that, keep the head that `verify` prints somewhere else and give it to a later `verify`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from nevus.errors import NevusError
from nevus.store.columns import now
from nevus.store.database import Store
from nevus.store.tables import AuditHeadRow, AuditRow

GENESIS = "0" * 64
"""What the first row follows."""


class AuditError(NevusError, RuntimeError):
    """The audit can't take another row."""


@dataclass(frozen=True)
class AuditEntry:
    """Who did what to which subject, and when."""

    sequence: int
    at: datetime
    actor: str
    action: str
    subject: str
    details: Mapping[str, Any]
    hash: str


@dataclass(frozen=True)
class AuditHead:
    """The end of the chain: the last row's sequence and hash. Written `SEQUENCE:HASH`."""

    sequence: int
    hash: str

    def __str__(self) -> str:
        return f"{self.sequence}:{self.hash}"


def record(
    session: Session, *, actor: str, action: str, subject: str, details: Mapping[str, Any] | None = None
) -> AuditEntry:
    """Add a row to the audit, in the same unit (`Store.write`) as the change that it tells of.

    Args:
        session: a writing unit.
        actor: the person or the automation that acts.
        action: `area.verb`, such as `model.approve`.
        subject: what it was done to, such as `lesions/3`.
        details: anything JSON can hold, without NaN; no patient data, for the audit is never erased.
    """
    head = session.get(AuditHeadRow, 1)
    if head is None:
        raise AuditError("the audit has lost the record of its end; run `nevus audit verify`, and restore a backup.")
    text = canonical(details or {})
    row = AuditRow(
        sequence=head.sequence + 1,
        at=now(),
        actor=actor,
        action=action,
        subject=subject,
        details=text,
        previous_hash=head.hash,
        hash="",
    )
    row.hash = row_hash(row)
    session.add(row)
    head.sequence, head.hash = row.sequence, row.hash
    session.flush()
    return _entry(row)


def entries(
    store: Store, *, action: str | None = None, subject: str | None = None, last: int | None = None
) -> list[AuditEntry]:
    """The audit's rows in their order; of one action or one subject, and of these the `last` so many, if asked."""
    query = sa.select(AuditRow).order_by(AuditRow.sequence.desc())
    if action is not None:
        query = query.where(AuditRow.action == action)
    if subject is not None:
        query = query.where(AuditRow.subject == subject)
    with store.read() as session:
        return [_entry(row) for row in session.scalars(query.limit(last))][::-1]


def canonical(value: Any) -> str:
    """The one way to write a value as JSON: keys sorted, no spaces, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def row_hash(row: AuditRow, *, sequence: int | None = None) -> str:
    """SHA-256 (hex) over the canonical JSON of what the row says; with `sequence`, as if it stood there."""
    said = {
        "sequence": row.sequence if sequence is None else sequence,
        "at": row.at.isoformat(timespec="microseconds"),
        "actor": row.actor,
        "action": row.action,
        "subject": row.subject,
        "details": row.details,
        "previous": row.previous_hash,
    }
    return hashlib.sha256(canonical(said).encode()).hexdigest()


def _entry(row: AuditRow) -> AuditEntry:
    try:
        details = json.loads(row.details)
    except ValueError:  # somebody wrote into it; `verify` says so, and a list shows what is there
        details = {"damaged": row.details}
    return AuditEntry(row.sequence, row.at, row.actor, row.action, row.subject, details, row.hash)
