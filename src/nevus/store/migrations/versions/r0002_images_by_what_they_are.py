"""Test images are known by what they are, not by a dataset's name for them; their openings are counted by image.

Test images that were fixed by name are forgotten: their bytes' hashes were never told.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from nevus.store.columns import UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table of fixed test images anew, and one that counts."""
    op.drop_table("fixed_test_images")
    op.create_table(
        "fixed_test_images",
        sa.Column("identity", sa.String(64), nullable=False),
        sa.Column("group_id", sa.String(), nullable=False),
        sa.Column("split_fingerprint", sa.String(64), nullable=False),
        sa.Column("fixed_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("identity", name="pk_fixed_test_images"),
    )
    op.create_table(
        "opened_test_images",
        sa.Column("identity", sa.String(64), nullable=False),
        sa.Column("openings", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("identity", name="pk_opened_test_images"),
    )
