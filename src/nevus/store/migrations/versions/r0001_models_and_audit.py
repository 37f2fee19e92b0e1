"""Models with their states, the audit, openings of test parts, and fixed test images."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from nevus.store.columns import Json, UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the first tables."""
    _models()
    _audit()
    _test_parts()


def _models() -> None:
    op.create_table(
        "models",
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_models"),
    )
    op.create_table(
        "model_versions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("model", sa.String(100), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("bundle_uri", sa.String(), nullable=False),
        sa.Column("bundle_digest", sa.String(64), nullable=False),
        sa.Column("task", sa.String(20), nullable=False),
        sa.Column("classes", Json, nullable=False),
        sa.Column("malignant", Json, nullable=False),
        sa.Column("operating_threshold", sa.Double()),
        sa.Column("metrics", Json, nullable=False),
        sa.Column("gate", Json, nullable=False),
        sa.Column("gate_passed", sa.Boolean(), nullable=False),
        sa.Column("reasons", Json, nullable=False),
        sa.Column("fingerprints", Json, nullable=False),
        sa.Column("licence", sa.String(), nullable=False),
        sa.Column("commercial_use", sa.Boolean(), nullable=False),
        sa.Column("run", sa.String()),
        sa.Column("tracking_run", sa.String(100)),
        sa.Column("predictions_uri", sa.String()),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("approved_by", sa.String()),
        sa.Column("approved_at", UtcDateTime()),
        sa.Column("approval_note", sa.String()),
        sa.Column("override_reason", sa.String()),
        sa.Column("previous_champion_id", sa.Integer()),
        sa.Column("restorable", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_model_versions"),
        sa.ForeignKeyConstraint(["model"], ["models.name"], name="fk_model_versions_model"),
        sa.ForeignKeyConstraint(
            ["previous_champion_id"], ["model_versions.id"], name="fk_model_versions_previous_champion_id"
        ),
        sa.UniqueConstraint("model", "number", name="uq_model_versions_model"),
        sa.UniqueConstraint("model", "bundle_digest", name="uq_model_versions_digest"),
        sa.CheckConstraint(
            "state IN ('candidate', 'rejected', 'approved', 'champion', 'challenger', 'retired')",
            name=op.f("ck_model_versions_state"),
        ),
    )
    op.create_index("ix_model_versions_state", "model_versions", ["state"])
    op.create_index("ix_model_versions_bundle_digest", "model_versions", ["bundle_digest"])
    for state in ("champion", "challenger"):
        only = sa.text(f"state = '{state}'")
        op.create_index(
            f"uq_model_versions_{state}",
            "model_versions",
            ["model"],
            unique=True,
            sqlite_where=only,
            postgresql_where=only,
        )


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("sequence", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("action", sa.String(60), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("previous_hash", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="pk_audit"),
    )
    op.create_index("ix_audit_action", "audit", ["action"])
    op.create_index("ix_audit_subject", "audit", ["subject"])
    head = op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_head"),
        sa.CheckConstraint("id = 1", name=op.f("ck_audit_head_one_row")),
    )
    op.bulk_insert(head, [{"id": 1, "sequence": 0, "hash": "0" * 64}])
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION nevus_audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'the audit is append-only'; END $$"
        )
        op.execute(
            "CREATE TRIGGER audit_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
            "FOR EACH STATEMENT EXECUTE FUNCTION nevus_audit_is_append_only()"
        )
        return
    for change in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER audit_refuses_{change.lower()} BEFORE {change} ON audit "
            "BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END"
        )


def _test_parts() -> None:
    op.create_table(
        "test_openings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("split_fingerprint", sa.String(64), nullable=False),
        sa.Column("bundle_digest", sa.String(64), nullable=False),
        sa.Column("run", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_test_openings"),
    )
    op.create_index("ix_test_openings_split_fingerprint", "test_openings", ["split_fingerprint"])
    op.create_table(
        "fixed_test_images",
        sa.Column("dataset", sa.String(200), nullable=False),
        sa.Column("image_id", sa.String(500), nullable=False),
        sa.Column("group_id", sa.String(), nullable=False),
        sa.Column("split_fingerprint", sa.String(64), nullable=False),
        sa.Column("fixed_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("dataset", "image_id", name="pk_fixed_test_images"),
    )
