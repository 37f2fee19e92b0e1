"""Of samples that were not taken only reasons and counts: files' names and lesions' keys stood there in plain text."""

from __future__ import annotations

from collections import Counter

import sqlalchemy as sa
from alembic import op

from nevus.store.columns import Json

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_BATCHES = sa.table("sample_batches", sa.column("batch_id", sa.String(36)), sa.column("rejected", Json))


def upgrade() -> None:
    """Count what is there, and let the rest go."""
    connection = op.get_bind()
    for batch_id, rejected in connection.execute(sa.select(_BATCHES)).all():
        counts = dict(Counter(one["reason"] for one in rejected))
        connection.execute(sa.update(_BATCHES).where(_BATCHES.c.batch_id == batch_id).values(rejected=counts))
