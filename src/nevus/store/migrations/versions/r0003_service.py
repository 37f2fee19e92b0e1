"""Predictions and what is said of them, samples, keys, rollout: the tables behind the service."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from nevus.store.columns import Json, UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "api_keys",
        sa.Column("key_id", sa.String(20), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("role", sa.String(12), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.String(100), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=True),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("key_id", name="pk_api_keys"),
        sa.CheckConstraint("role IN ('reader', 'clinician', 'operator', 'admin')", name=op.f("ck_api_keys_role")),
    )
    op.create_table(
        "heartbeats",
        sa.Column("instance", sa.String(40), nullable=False),
        sa.Column("minute", UtcDateTime(), nullable=False),
        sa.Column("ready", sa.Boolean(), nullable=False),
        sa.Column("requests", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("median_ms", sa.Double(), nullable=True),
        sa.Column("p99_ms", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("instance", "minute", name="pk_heartbeats"),
    )
    op.create_table(
        "idempotent_answers",
        sa.Column("key_id", sa.String(20), nullable=False),
        sa.Column("idempotency_key", sa.String(200), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("key_id", "idempotency_key", name="pk_idempotent_answers"),
    )
    op.create_index("ix_idempotent_answers_created_at", "idempotent_answers", ["created_at"])
    op.create_table(
        "labels",
        sa.Column("label_id", sa.String(36), nullable=False),
        sa.Column("image_hash", sa.String(64), nullable=False),
        sa.Column("prediction_id", sa.String(36), nullable=True),
        sa.Column("patient_hash", sa.String(64), nullable=True),
        sa.Column("lesion_hash", sa.String(64), nullable=True),
        sa.Column("diagnosis", sa.String(40), nullable=False),
        sa.Column("malignant", sa.Boolean(), nullable=False),
        sa.Column("confirmed_by", sa.String(20), nullable=True),
        sa.Column("confirmed_on", sa.Date(), nullable=True),
        sa.Column("labelled_by", sa.String(100), nullable=False),
        sa.Column("key_id", sa.String(20), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("superseded_by", sa.String(36), nullable=True),
        sa.PrimaryKeyConstraint("label_id", name="pk_labels"),
        sa.ForeignKeyConstraint(["superseded_by"], ["labels.label_id"], name="fk_labels_superseded_by"),
    )
    op.create_index("ix_labels_created_at", "labels", ["created_at"])
    op.create_index("ix_labels_image_hash", "labels", ["image_hash"])
    op.create_index("ix_labels_lesion_hash", "labels", ["lesion_hash"])
    op.create_index("ix_labels_patient_hash", "labels", ["patient_hash"])
    op.create_index("ix_labels_prediction_id", "labels", ["prediction_id"])
    op.create_table(
        "lesion_answers",
        sa.Column("lesion_answer_id", sa.String(36), nullable=False),
        sa.Column("request_id", sa.String(64), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("model", sa.String(100), nullable=False),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("bundle_digest", sa.String(64), nullable=False),
        sa.Column("patient_hash", sa.String(64), nullable=True),
        sa.Column("lesion_hash", sa.String(64), nullable=True),
        sa.Column("prediction_ids", Json, nullable=False),
        sa.Column("answer", Json, nullable=False),
        sa.PrimaryKeyConstraint("lesion_answer_id", name="pk_lesion_answers"),
    )
    op.create_index("ix_lesion_answers_lesion_hash", "lesion_answers", ["lesion_hash"])
    op.create_index("ix_lesion_answers_patient_hash", "lesion_answers", ["patient_hash"])
    op.create_index("ix_lesion_answers_request_id", "lesion_answers", ["request_id"])
    op.create_table(
        "predictions",
        sa.Column("prediction_id", sa.String(36), nullable=False),
        sa.Column("request_id", sa.String(64), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("model", sa.String(100), nullable=False),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("bundle_digest", sa.String(64), nullable=False),
        sa.Column("arm", sa.String(12), nullable=False),
        sa.Column("shadow_of", sa.String(36), nullable=True),
        sa.Column("key_id", sa.String(20), nullable=True),
        sa.Column("patient_hash", sa.String(64), nullable=True),
        sa.Column("lesion_hash", sa.String(64), nullable=True),
        sa.Column("image_hash", sa.String(64), nullable=False),
        sa.Column("image_key", sa.String(200), nullable=True),
        sa.Column("image_type", sa.String(20), nullable=False),
        sa.Column("orientation", sa.SmallInteger(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("age", sa.Double(), nullable=True),
        sa.Column("sex", sa.String(40), nullable=True),
        sa.Column("site", sa.String(80), nullable=True),
        sa.Column("diagnosis", sa.String(40), nullable=True),
        sa.Column("probabilities", Json, nullable=True),
        sa.Column("logits", Json, nullable=True),
        sa.Column("p_malignant", sa.Double(), nullable=True),
        sa.Column("operating_point", sa.String(80), nullable=True),
        sa.Column("threshold", sa.Double(), nullable=True),
        sa.Column("verdict", sa.String(20), nullable=False),
        sa.Column("reasons", Json, nullable=False),
        sa.Column("quality", Json, nullable=False),
        sa.Column("image_statistics", Json, nullable=False),
        sa.Column("ood_score", sa.Double(), nullable=True),
        sa.Column("prediction_set", Json, nullable=False),
        sa.Column("notes", Json, nullable=False),
        sa.Column("embedding", sa.LargeBinary(), nullable=True),
        sa.Column("evidence", sa.LargeBinary(), nullable=True),
        sa.Column("evidence_height", sa.SmallInteger(), nullable=True),
        sa.Column("latency", Json, nullable=False),
        sa.PrimaryKeyConstraint("prediction_id", name="pk_predictions"),
        sa.CheckConstraint("arm IN ('champion', 'challenger', 'shadow', 'pinned')", name=op.f("ck_predictions_arm")),
    )
    op.create_index("ix_predictions_image_hash", "predictions", ["image_hash"])
    op.create_index(
        "ix_predictions_lesion_hash",
        "predictions",
        ["lesion_hash"],
        sqlite_where=sa.text("lesion_hash IS NOT NULL"),
        postgresql_where=sa.text("lesion_hash IS NOT NULL"),
    )
    op.create_index(
        "ix_predictions_patient_hash",
        "predictions",
        ["patient_hash"],
        sqlite_where=sa.text("patient_hash IS NOT NULL"),
        postgresql_where=sa.text("patient_hash IS NOT NULL"),
    )
    op.create_index(
        "ix_predictions_shadow_of",
        "predictions",
        ["shadow_of"],
        sqlite_where=sa.text("shadow_of IS NOT NULL"),
        postgresql_where=sa.text("shadow_of IS NOT NULL"),
    )
    op.create_table(
        "sample_batches",
        sa.Column("batch_id", sa.String(36), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("uploaded_by", sa.String(100), nullable=False),
        sa.Column("key_id", sa.String(20), nullable=True),
        sa.Column("accepted", sa.Integer(), nullable=False),
        sa.Column("rejected", Json, nullable=False),
        sa.PrimaryKeyConstraint("batch_id", name="pk_sample_batches"),
    )
    op.create_table(
        "served_bundles",
        sa.Column("bundle_digest", sa.String(64), nullable=False),
        sa.Column("manifest", sa.Text(), nullable=False),
        sa.Column("first_served_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("bundle_digest", name="pk_served_bundles"),
    )
    op.create_table(
        "rollouts",
        sa.Column("model", sa.String(100), nullable=False),
        sa.Column("challenger_share", sa.Double(), nullable=False),
        sa.Column("shadow", sa.Boolean(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("changed_by", sa.String(100), nullable=False),
        sa.PrimaryKeyConstraint("model", name="pk_rollouts"),
        sa.ForeignKeyConstraint(["model"], ["models.name"], name="fk_rollouts_model"),
        sa.CheckConstraint("challenger_share >= 0 AND challenger_share <= 1", name=op.f("ck_rollouts_share")),
    )
    op.create_table(
        "samples",
        sa.Column("sample_id", sa.String(36), nullable=False),
        sa.Column("batch_id", sa.String(36), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("image_hash", sa.String(64), nullable=False),
        sa.Column("image_key", sa.String(200), nullable=False),
        sa.Column("image_type", sa.String(20), nullable=False),
        sa.Column("orientation", sa.SmallInteger(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("diagnosis", sa.String(40), nullable=False),
        sa.Column("malignant", sa.Boolean(), nullable=True),
        sa.Column("confirmed_by", sa.String(20), nullable=True),
        sa.Column("patient_hash", sa.String(64), nullable=True),
        sa.Column("lesion_hash", sa.String(64), nullable=True),
        sa.Column("age", sa.Double(), nullable=True),
        sa.Column("sex", sa.String(40), nullable=True),
        sa.Column("site", sa.String(80), nullable=True),
        sa.Column("source", sa.String(100), nullable=True),
        sa.Column("licence", sa.String(100), nullable=True),
        sa.Column("attribution", sa.Text(), nullable=True),
        sa.Column("warnings", Json, nullable=False),
        sa.PrimaryKeyConstraint("sample_id", name="pk_samples"),
        sa.UniqueConstraint("image_hash", name="uq_samples_image_hash"),
        sa.ForeignKeyConstraint(["batch_id"], ["sample_batches.batch_id"], name="fk_samples_batch_id"),
    )
    op.create_index("ix_samples_batch_id", "samples", ["batch_id"])
    op.create_index("ix_samples_lesion_hash", "samples", ["lesion_hash"])
    op.create_index("ix_samples_patient_hash", "samples", ["patient_hash"])
