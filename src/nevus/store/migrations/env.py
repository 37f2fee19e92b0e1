"""Run by Alembic: migrates over the connection that `nevus.store.schema` has opened, in its transaction."""

from __future__ import annotations

from alembic import context

from nevus.store import serving_tables  # noqa: F401 - declares its tables
from nevus.store.schema import VERSION_TABLE
from nevus.store.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,  # SQLite alters a table by copying it
    transactional_ddl=True,  # true of SQLite too, as our engine opens the transaction itself
)
with context.begin_transaction():
    context.run_migrations()
