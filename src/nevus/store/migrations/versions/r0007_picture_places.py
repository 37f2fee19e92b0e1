"""Which place holds the store's pictures."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from nevus.store.columns import UtcDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "picture_places",
        sa.Column("mark", sa.String(64), nullable=False),
        sa.Column("uri", sa.Text(), nullable=False),
        sa.Column("noted_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("mark", name="pk_picture_places"),
    )
