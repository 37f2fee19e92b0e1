"""Which secrets the store's keys were hashed with, by check values."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from nevus.store.columns import UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "pseudonym_secrets",
        sa.Column("check_value", sa.String(64), nullable=False),
        sa.Column("noted_at", UtcDateTime(), nullable=False),
        sa.Column("retired_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("check_value", name="pk_pseudonym_secrets"),
    )
