"""Between the table's rows and the frozen versions that everybody else sees."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from nevus.store.registry.states import State
from nevus.store.registry.version import Approval, ModelVersion, NewVersion
from nevus.store.tables import VersionRow


def to_version(row: VersionRow) -> ModelVersion:
    """The frozen picture of a row."""
    approval = None
    if row.approved_by is not None and row.approved_at is not None:
        approval = Approval(row.approved_by, row.approved_at, row.approval_note or "", row.override_reason)
    return ModelVersion(
        model=row.model,
        number=row.number,
        state=State(row.state),
        bundle_uri=row.bundle_uri,
        bundle_digest=row.bundle_digest,
        task=row.task,
        classes=tuple(row.classes),
        malignant=tuple(row.malignant),
        operating_threshold=row.operating_threshold,
        metrics=row.metrics,
        gate=row.gate,
        gate_passed=row.gate_passed,
        reasons=tuple(row.reasons),
        licence=row.licence,
        commercial_use=row.commercial_use,
        fingerprints=row.fingerprints,
        run=row.run,
        tracking_run=row.tracking_run,
        predictions_uri=row.predictions_uri,
        created_at=row.created_at,
        changed_at=row.changed_at,
        approval=approval,
    )


def to_row(new: NewVersion, number: int, state: State, at: datetime) -> VersionRow:
    """A row for a version that isn't there yet."""
    return VersionRow(
        model=new.model,
        number=number,
        state=state.value,
        bundle_uri=new.bundle_uri,
        bundle_digest=new.bundle_digest,
        task=new.task,
        classes=list(new.classes),
        malignant=list(new.malignant),
        operating_threshold=new.operating_threshold,
        metrics=dict(new.metrics),
        gate=dict(new.gate),
        gate_passed=new.gate_passed,
        reasons=list(new.reasons),
        licence=new.licence,
        commercial_use=new.commercial_use,
        fingerprints=dict(new.fingerprints),
        run=new.run,
        tracking_run=new.tracking_run,
        predictions_uri=new.predictions_uri,
        created_at=at,
        changed_at=at,
        restorable=False,
    )


def row_in_state(session: Session, model: str, state: State) -> VersionRow | None:
    """The champion's or the challenger's row of a name."""
    return session.scalars(sa.select(VersionRow).where(VersionRow.model == model, VersionRow.state == state)).first()


def row_by_digest(session: Session, model: str, digest: str) -> VersionRow | None:
    """The row of a bundle under a name."""
    return session.scalars(
        sa.select(VersionRow).where(VersionRow.model == model, VersionRow.bundle_digest == digest)
    ).first()
