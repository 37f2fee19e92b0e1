"""Which versions every server of the store keeps loaded, beside champion and challenger."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from nevus.store.columns import UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "further_versions",
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("changed_by", sa.String(100), nullable=False),
        sa.PrimaryKeyConstraint("version_id", name="pk_further_versions"),
        sa.ForeignKeyConstraint(["version_id"], ["model_versions.id"], name="fk_further_versions_version_id"),
    )
