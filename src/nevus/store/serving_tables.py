"""The tables behind the service: predictions and what is said of them later, samples, keys, rollout."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from nevus.store.columns import Json, UtcDateTime
from nevus.store.tables import Base

ROLES = ("reader", "clinician", "operator", "admin")
ARMS = ("champion", "challenger", "shadow", "pinned")


class PredictionRow(Base):
    """One image's answer, with all that later questions need. Its id is a UUIDv7, so ids sort by time."""

    __tablename__ = "predictions"
    __table_args__ = (
        sa.CheckConstraint(f"arm IN ({', '.join(repr(arm) for arm in ARMS)})", name="arm"),
        # Few indexes, since every answer waits for them: ids sort by time, and most rows have no keys and no shadow.
        sa.Index("ix_predictions_image_hash", "image_hash"),
        *(
            sa.Index(
                f"ix_predictions_{column}",
                column,
                sqlite_where=sa.text(f"{column} IS NOT NULL"),
                postgresql_where=sa.text(f"{column} IS NOT NULL"),
            )
            for column in ("shadow_of", "patient_hash", "lesion_hash")
        ),
    )

    prediction_id: Mapped[str] = mapped_column(sa.String(36), primary_key=True)
    request_id: Mapped[str] = mapped_column(sa.String(64))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    model: Mapped[str] = mapped_column(sa.String(100))
    version: Mapped[int | None]
    """Its number in the registry; null for a bundle that was named by its folder and is in no registry."""
    bundle_digest: Mapped[str] = mapped_column(sa.String(64))
    arm: Mapped[str] = mapped_column(sa.String(12))
    shadow_of: Mapped[str | None] = mapped_column(sa.String(36))
    """The answered prediction that this one, of a shadow, stands beside."""
    key_id: Mapped[str | None] = mapped_column(sa.String(20))
    patient_hash: Mapped[str | None] = mapped_column(sa.String(64))
    lesion_hash: Mapped[str | None] = mapped_column(sa.String(64))
    image_hash: Mapped[str] = mapped_column(sa.String(64))
    """SHA-256 of the bytes as they were sent."""
    image_key: Mapped[str | None] = mapped_column(sa.String(200))
    """Where the blob store has the picture; null once it is gone."""
    image_type: Mapped[str] = mapped_column(sa.String(20))
    orientation: Mapped[int] = mapped_column(sa.SmallInteger)
    """EXIF orientation of the stored picture, whose metadata are cut: 1 = upright."""
    width: Mapped[int]
    height: Mapped[int]
    age: Mapped[float | None] = mapped_column(sa.Double)
    sex: Mapped[str | None] = mapped_column(sa.String(40))
    site: Mapped[str | None] = mapped_column(sa.String(80))
    diagnosis: Mapped[str | None] = mapped_column(sa.String(40))
    probabilities: Mapped[dict[str, float] | None] = mapped_column(Json)
    logits: Mapped[dict[str, float] | None] = mapped_column(Json)
    p_malignant: Mapped[float | None] = mapped_column(sa.Double)
    operating_point: Mapped[str | None] = mapped_column(sa.String(80))
    threshold: Mapped[float | None] = mapped_column(sa.Double)
    verdict: Mapped[str] = mapped_column(sa.String(20))
    reasons: Mapped[list[str]] = mapped_column(Json)
    quality: Mapped[dict[str, float]] = mapped_column(Json)
    image_statistics: Mapped[dict[str, float]] = mapped_column(Json)
    ood_score: Mapped[float | None] = mapped_column(sa.Double)
    prediction_set: Mapped[list[str]] = mapped_column(Json)
    notes: Mapped[list[str]] = mapped_column(Json)
    embedding: Mapped[bytes | None] = mapped_column(sa.LargeBinary)
    """float16 [D], little-endian."""
    evidence: Mapped[bytes | None] = mapped_column(sa.LargeBinary)
    """float16 [h,w], little-endian."""
    evidence_height: Mapped[int | None] = mapped_column(sa.SmallInteger)
    latency: Mapped[dict[str, float]] = mapped_column(Json)


class LesionAnswerRow(Base):
    """The one answer on a lesion of which a request held several images."""

    __tablename__ = "lesion_answers"

    lesion_answer_id: Mapped[str] = mapped_column(sa.String(36), primary_key=True)
    request_id: Mapped[str] = mapped_column(sa.String(64), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    model: Mapped[str] = mapped_column(sa.String(100))
    version: Mapped[int | None]
    bundle_digest: Mapped[str] = mapped_column(sa.String(64))
    patient_hash: Mapped[str | None] = mapped_column(sa.String(64), index=True)
    lesion_hash: Mapped[str | None] = mapped_column(sa.String(64), index=True)
    prediction_ids: Mapped[list[str]] = mapped_column(Json)
    answer: Mapped[dict[str, Any]] = mapped_column(Json)
    """As it was returned."""


class IdempotentAnswerRow(Base):
    """What was answered to a request that carried an Idempotency-Key, so that its repetition gets the same."""

    __tablename__ = "idempotent_answers"

    key_id: Mapped[str] = mapped_column(sa.String(20), primary_key=True)
    """Whose key it was; "" for a service without keys."""
    idempotency_key: Mapped[str] = mapped_column(sa.String(200), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(sa.String(64))
    """SHA-256 of what was asked: another question under the same key is refused."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    status: Mapped[int]
    body: Mapped[bytes] = mapped_column(sa.LargeBinary)


class ServedBundleRow(Base):
    """A bundle that has answered: its own description, kept for the time when the directory is gone."""

    __tablename__ = "served_bundles"

    bundle_digest: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    manifest: Mapped[str] = mapped_column(sa.Text)
    """bundle.json as it was."""
    first_served_at: Mapped[datetime] = mapped_column(UtcDateTime)


class LabelRow(Base):
    """What somebody says an image shows. Rows are added, never changed but for `superseded_by`."""

    __tablename__ = "labels"

    label_id: Mapped[str] = mapped_column(sa.String(36), primary_key=True)
    image_hash: Mapped[str] = mapped_column(sa.String(64), index=True)
    prediction_id: Mapped[str | None] = mapped_column(sa.String(36), index=True)
    """The prediction that was looked at, where it was one."""
    patient_hash: Mapped[str | None] = mapped_column(sa.String(64), index=True)
    lesion_hash: Mapped[str | None] = mapped_column(sa.String(64), index=True)
    diagnosis: Mapped[str] = mapped_column(sa.String(40))
    malignant: Mapped[bool]
    confirmed_by: Mapped[str | None] = mapped_column(sa.String(20))
    confirmed_on: Mapped[date | None]
    labelled_by: Mapped[str] = mapped_column(sa.String(100))
    """Name of the API key's owner."""
    key_id: Mapped[str | None] = mapped_column(sa.String(20))
    note: Mapped[str | None] = mapped_column(sa.Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    superseded_by: Mapped[str | None] = mapped_column(sa.ForeignKey("labels.label_id"))
    """The later label that counts instead; null for the one that counts."""


class SampleBatchRow(Base):
    """One upload of labelled images for the next training."""

    __tablename__ = "sample_batches"

    batch_id: Mapped[str] = mapped_column(sa.String(36), primary_key=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    uploaded_by: Mapped[str] = mapped_column(sa.String(100))
    key_id: Mapped[str | None] = mapped_column(sa.String(20))
    accepted: Mapped[int]
    rejected: Mapped[dict[str, int]] = mapped_column(Json)
    """Reason -> how many files or lines. Never their names: people call files after patients, and no erasure could find
    them here."""


class SampleRow(Base):
    """One labelled image for the next training."""

    __tablename__ = "samples"

    sample_id: Mapped[str] = mapped_column(sa.String(36), primary_key=True)
    batch_id: Mapped[str] = mapped_column(sa.ForeignKey("sample_batches.batch_id"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    name: Mapped[str] = mapped_column(sa.String(200))
    """What the uploader called it; never read for a label."""
    image_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    image_key: Mapped[str] = mapped_column(sa.String(200))
    image_type: Mapped[str] = mapped_column(sa.String(20))
    orientation: Mapped[int] = mapped_column(sa.SmallInteger)
    width: Mapped[int]
    height: Mapped[int]
    diagnosis: Mapped[str] = mapped_column(sa.String(40))
    malignant: Mapped[bool | None]
    confirmed_by: Mapped[str | None] = mapped_column(sa.String(20))
    patient_hash: Mapped[str | None] = mapped_column(sa.String(64), index=True)
    lesion_hash: Mapped[str | None] = mapped_column(sa.String(64), index=True)
    age: Mapped[float | None] = mapped_column(sa.Double)
    sex: Mapped[str | None] = mapped_column(sa.String(40))
    site: Mapped[str | None] = mapped_column(sa.String(80))
    source: Mapped[str | None] = mapped_column(sa.String(100))
    licence: Mapped[str | None] = mapped_column(sa.String(100))
    attribution: Mapped[str | None] = mapped_column(sa.Text)
    warnings: Mapped[list[str]] = mapped_column(Json)


class ApiKeyRow(Base):
    """An API key: its owner and role, and the hash of its secret."""

    __tablename__ = "api_keys"
    __table_args__ = (sa.CheckConstraint(f"role IN ({', '.join(repr(role) for role in ROLES)})", name="role"),)

    key_id: Mapped[str] = mapped_column(sa.String(20), primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(100))
    role: Mapped[str] = mapped_column(sa.String(12))
    hash: Mapped[str] = mapped_column(sa.String(64))
    """SHA-256 of the whole key, which is 256 random bits and so needs no slow hash."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_by: Mapped[str] = mapped_column(sa.String(100))
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class PseudonymSecretRow(Base):
    """A secret that patients' and lesions' keys were hashed with: enough to recognise it, too little to guess it."""

    __tablename__ = "pseudonym_secrets"

    check_value: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    noted_at: Mapped[datetime] = mapped_column(UtcDateTime)
    retired_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """From when on new rows were hashed with another; null for the present one."""


class PicturePlaceRow(Base):
    """The one place where the store's pictures lie, recognised by a mark that lies there too. One row at most."""

    __tablename__ = "picture_places"

    mark: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    uri: Mapped[str] = mapped_column(sa.Text)
    """Where a service met it last, to be told to people: folders move, and have other names in containers."""
    noted_at: Mapped[datetime] = mapped_column(UtcDateTime)


class RolloutRow(Base):
    """How requests are shared between a model's champion and its challenger. Who those are, the registry says."""

    __tablename__ = "rollouts"
    __table_args__ = (sa.CheckConstraint("challenger_share >= 0 AND challenger_share <= 1", name="share"),)

    model: Mapped[str] = mapped_column(sa.ForeignKey("models.name"), primary_key=True)
    challenger_share: Mapped[float] = mapped_column(sa.Double)
    shadow: Mapped[bool]
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    changed_by: Mapped[str] = mapped_column(sa.String(100))


class FurtherVersionRow(Base):
    """A version that every server keeps loaded for requests that name it, beside champion and challenger."""

    __tablename__ = "further_versions"

    version_id: Mapped[int] = mapped_column(sa.ForeignKey("model_versions.id"), primary_key=True, autoincrement=False)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    changed_by: Mapped[str] = mapped_column(sa.String(100))


class HeartbeatRow(Base):
    """One minute of one server process: what the overview draws."""

    __tablename__ = "heartbeats"

    instance: Mapped[str] = mapped_column(sa.String(40), primary_key=True)
    minute: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    ready: Mapped[bool]
    requests: Mapped[int]
    refused: Mapped[int]
    """Answered 4xx."""
    failed: Mapped[int]
    """Answered 5xx."""
    median_ms: Mapped[float | None] = mapped_column(sa.Double)
    p99_ms: Mapped[float | None] = mapped_column(sa.Double)
