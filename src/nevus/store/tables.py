"""The tables of the store. A change here needs a migration; a test compares the two."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from nevus.store.columns import Json, UtcDateTime

STATES = ("candidate", "rejected", "approved", "champion", "challenger", "retired")


class Base(DeclarativeBase):
    """Root of the tables; the naming convention lets a migration drop a constraint by its name."""

    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_name)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class ModelRow(Base):
    """A model name, under which versions are counted."""

    __tablename__ = "models"

    name: Mapped[str] = mapped_column(sa.String(100), primary_key=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class VersionRow(Base):
    """One bundle under a model name, with its state."""

    __tablename__ = "model_versions"
    __table_args__ = (
        sa.UniqueConstraint("model", "number"),
        sa.UniqueConstraint("model", "bundle_digest", name="uq_model_versions_digest"),
        sa.CheckConstraint(f"state IN ({', '.join(repr(s) for s in STATES)})", name="state"),
        # The database itself refuses a second champion or challenger of a name, whatever a program does.
        *(
            sa.Index(
                f"uq_model_versions_{state}",
                "model",
                unique=True,
                sqlite_where=sa.text(f"state = '{state}'"),
                postgresql_where=sa.text(f"state = '{state}'"),
            )
            for state in ("champion", "challenger")
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(sa.ForeignKey("models.name"))
    number: Mapped[int]
    state: Mapped[str] = mapped_column(sa.String(20), index=True)
    bundle_uri: Mapped[str]
    bundle_digest: Mapped[str] = mapped_column(sa.String(64), index=True)
    task: Mapped[str] = mapped_column(sa.String(20))
    classes: Mapped[list[str]] = mapped_column(Json)
    malignant: Mapped[list[str]] = mapped_column(Json)
    operating_threshold: Mapped[float | None] = mapped_column(sa.Double)
    metrics: Mapped[dict[str, Any]] = mapped_column(Json)
    gate: Mapped[dict[str, Any]] = mapped_column(Json)
    gate_passed: Mapped[bool]
    reasons: Mapped[list[str]] = mapped_column(Json)
    fingerprints: Mapped[dict[str, Any]] = mapped_column(Json)
    licence: Mapped[str]
    commercial_use: Mapped[bool]
    run: Mapped[str | None]
    tracking_run: Mapped[str | None] = mapped_column(sa.String(100))
    predictions_uri: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    approved_by: Mapped[str | None]
    approved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    approval_note: Mapped[str | None]
    override_reason: Mapped[str | None]
    previous_champion_id: Mapped[int | None] = mapped_column(sa.ForeignKey("model_versions.id"))
    """Whom this one replaced as champion: the way back for `rollback`."""
    restorable: Mapped[bool] = mapped_column(default=False)
    """A former champion that `rollback` may bring back; not one that was retired on purpose."""


class AuditRow(Base):
    """One decision. Rows are only ever added; triggers refuse the rest."""

    __tablename__ = "audit"

    sequence: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor: Mapped[str]
    action: Mapped[str] = mapped_column(sa.String(60), index=True)
    subject: Mapped[str] = mapped_column(index=True)
    details: Mapped[str] = mapped_column(sa.Text)
    """Canonical JSON, kept as the text that was hashed: a database's own JSON type may rewrite numbers."""
    previous_hash: Mapped[str] = mapped_column(sa.String(64))
    hash: Mapped[str] = mapped_column(sa.String(64))


class AuditHeadRow(Base):
    """The last row of the audit, kept apart so that rows missing from its end are noticed. One row."""

    __tablename__ = "audit_head"
    __table_args__ = (sa.CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sequence: Mapped[int]
    hash: Mapped[str] = mapped_column(sa.String(64))


class OpeningRow(Base):
    """One opening of a test part: a bundle was measured on it."""

    __tablename__ = "test_openings"

    id: Mapped[int] = mapped_column(primary_key=True)
    split_fingerprint: Mapped[str] = mapped_column(sa.String(64), index=True)
    bundle_digest: Mapped[str] = mapped_column(sa.String(64))
    run: Mapped[str]
    actor: Mapped[str]
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)


class OpenedTestImageRow(Base):
    """How often test parts that hold this image were opened."""

    __tablename__ = "opened_test_images"

    identity: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    openings: Mapped[int]


class FixedTestImageRow(Base):
    """An image whose group was once in a test part, and so stays test for ever.

    Known by what it is (`nevus.data.identity`): by name, another dataset's image would be taken for it, and the same
    image read from another dataset wouldn't.
    """

    __tablename__ = "fixed_test_images"

    identity: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    group_id: Mapped[str]
    split_fingerprint: Mapped[str] = mapped_column(sa.String(64))
    fixed_at: Mapped[datetime] = mapped_column(UtcDateTime)
