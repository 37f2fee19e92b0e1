"""Which secret the store's keys are hashed with: check values stand in the database, secrets themselves never.

A service under another secret would store rows that belong to nobody it knows, and an erasure would find nothing and
say so as if all were well. So both ask here first.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from nevus.errors import InputError
from nevus.store import audit
from nevus.store.actor import current_actor
from nevus.store.columns import now
from nevus.store.database import Store
from nevus.store.pseudonyms import Pseudonyms, PseudonymSecretError, make_secret, secret_file
from nevus.store.serving_tables import LabelRow, LesionAnswerRow, PredictionRow, PseudonymSecretRow, SampleRow

_HASHED = (PredictionRow, LesionAnswerRow, LabelRow, SampleRow)


class RotationError(InputError):
    """The secret can't be replaced as things are; nothing was changed."""


@dataclass(frozen=True)
class KnownSecret:
    """A secret by its check value. retired_at: from when on new rows were hashed with another; None for this one."""

    check_value: str
    noted_at: datetime
    retired_at: datetime | None


def known_secrets(store: Store) -> list[KnownSecret]:
    """The secrets that rows of this store may be hashed with, the present one last."""
    with store.read() as session:
        rows = session.scalars(sa.select(PseudonymSecretRow).order_by(PseudonymSecretRow.noted_at))
        return [KnownSecret(row.check_value, row.noted_at, row.retired_at) for row in rows]


def present_secret(store: Store) -> str | None:
    """The check value of the secret that new rows are hashed with; None before any service has noted one."""
    return next((secret.check_value for secret in known_secrets(store) if secret.retired_at is None), None)


def pseudonyms_to_serve(store: Store, home: Path, file: Path | None = None) -> Pseudonyms:
    """Under the store's own secret, which the first service of a store makes (or is given) and notes.

    Args:
        store: whose rows are hashed with it.
        home: the home folder, where the secret is unless it has a file of its own.
        file: that file.

    Raises:
        PseudonymSecretError: it is missing, can't be read, or isn't the one that the store's rows are hashed with.
    """
    found = _opened(store, home, file)
    with store.write() as session:
        present = session.scalar(_PRESENT)
        if present is None:
            session.add(PseudonymSecretRow(check_value=found.check_value, noted_at=now(), retired_at=None))
        elif present != found.check_value:
            raise _another(session, found, file or secret_file(home))
    return found


def pseudonyms_to_erase(store: Store, home: Path, file: Path | None = None) -> Pseudonyms:
    """Under the store's secret or one that it had before.

    Raises:
        PseudonymSecretError: it is missing, can't be read, or no row can be hashed with it.
    """
    found = _opened(store, home, file)
    known = {secret.check_value for secret in known_secrets(store)}
    if known and found.check_value not in known:
        raise PseudonymSecretError(
            f"{file or secret_file(home)} is not the secret that the rows of this store are hashed with: nothing would "
            "be found. Put the right one back from where it was kept, or name it by --pseudonym-file."
        )
    return found


def rotate(store: Store, home: Path, *, lost: bool = False, by: str | None = None) -> Path | None:
    """Let new rows be hashed with a new secret of the home folder. Rows of before keep to the old one.

    No service may run. May be repeated after a kill.

    Args:
        store: whose secret it is.
        home: the home folder.
        lost: the old secret is gone for good, and with it the way from patients' keys to its rows.
        by: who asked for it.

    Returns:
        Where the old secret lies now; None where it was lost.

    Raises:
        RotationError: the old secret isn't there, or is another.
    """
    own = secret_file(home)
    drafted = own.with_name(f"{own.name}.next")
    make_secret(home, drafted)
    new, old = Pseudonyms.open(home, drafted), Pseudonyms.open(home, own) if own.exists() else None
    with store.write() as session:
        present = session.get(PseudonymSecretRow, session.scalar(_PRESENT) or "")
        if present is None or present.check_value != new.check_value:
            _require_old(present, old, own, lost=lost)
            if present is not None:
                present.retired_at = now()
            session.add(PseudonymSecretRow(check_value=new.check_value, noted_at=now(), retired_at=None))
            told = {"retired": present.check_value[:12] if present else None, "lost": old is None}
            subject = f"secret:{new.check_value[:12]}"
            audit.record(
                session, actor=by or current_actor(), action="pseudonyms.rotated", subject=subject, details=told
            )
    kept = None
    if old is not None:
        kept = own.with_name(f"pseudonyms-{old.check_value[:12]}.key")
        own.replace(kept)
    drafted.replace(own)
    return kept


_PRESENT = sa.select(PseudonymSecretRow.check_value).where(PseudonymSecretRow.retired_at.is_(None))


def _require_old(present: PseudonymSecretRow | None, old: Pseudonyms | None, own: Path, *, lost: bool) -> None:
    if old is None:
        if not lost:
            raise RotationError(
                f"the secret {own} is not there. Put it back first; if it is gone for good, say so by --lost: no row "
                "of before can be found by its patient then, neither to read nor to erase it."
            )
    elif present is not None and present.check_value != old.check_value:
        raise RotationError(f"{own} is not the secret of this store. Put the right one back first.")


def _opened(store: Store, home: Path, file: Path | None) -> Pseudonyms:
    """Never make a secret where rows are hashed with one already."""
    own = secret_file(home)
    if file is None and not own.exists():
        with store.read() as session:
            hashed = session.scalar(_PRESENT) is not None or any(_has_hashes(session, table) for table in _HASHED)
        if hashed:
            raise PseudonymSecretError(
                f"the secret of the pseudonyms {own} is not there, and the store has rows that are hashed with it. Put "
                "it back from where it was kept, or name it by serving.pseudonym_file; if it is gone for good: "
                "`nevus pseudonyms rotate --lost`."
            )
    return Pseudonyms.open(home, file)


def _has_hashes(session: Session, table: type[PredictionRow | LesionAnswerRow | LabelRow | SampleRow]) -> bool:
    return any(
        session.scalar(sa.select(sa.literal(1)).where(column.is_not(None)).limit(1))
        for column in (table.patient_hash, table.lesion_hash)
    )


def _another(session: Session, found: Pseudonyms, file: Path) -> PseudonymSecretError:
    row = session.get(PseudonymSecretRow, found.check_value)
    was = f"was replaced on {row.retired_at:%Y-%m-%d}" if row and row.retired_at else "is another"
    return PseudonymSecretError(
        f"{file} is not the secret that the rows of this store are hashed with: it {was}. No patient's earlier rows "
        "would be found, neither to read nor to erase them. Put the right one back from where it was kept, or name it "
        "by serving.pseudonym_file."
    )
