"""The schema's version: an older store is brought up to date, a newer one is refused, a foreign one is left alone."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from nevus.errors import InputError, require
from nevus.store.engine import exclusive

HEAD = "0007"
"""The last migration; opening a store that is there already needs no look at the migrations."""
VERSION_TABLE = "nevus_schema"
"""Not Alembic's default name: MLflow uses that one."""
MIGRATIONS = Path(__file__).parent / "migrations"


class SchemaTooNewError(InputError):
    """A later nevus wrote this store."""


class ForeignDatabaseError(InputError):
    """The database holds somebody else's tables."""


def bring_up_to_date(reader: sa.Engine, writer: sa.Engine, address: str) -> None:
    """Migrate to `HEAD` in one transaction, or not at all; several processes may try at once.

    Raises:
        SchemaTooNewError: the store's version isn't among this nevus' migrations.
        ForeignDatabaseError: there are tables, but none of ours.
    """
    with reader.connect() as connection:
        if _version(connection) == HEAD:
            return
    with writer.begin() as connection:
        exclusive(connection)
        found = _version(connection)
        if found == HEAD:
            return
        if found is None:
            _refuse_foreign(connection, address)
        _migrate(connection, found, address)


def _version(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table(VERSION_TABLE):
        return None
    return connection.execute(sa.select(sa.column("version_num")).select_from(sa.table(VERSION_TABLE))).scalar()


def _refuse_foreign(connection: sa.Connection, address: str) -> None:
    tables = sorted(set(sa.inspect(connection).get_table_names()) - {VERSION_TABLE})
    if tables:
        shown = ", ".join(tables[:5]) + (" ..." if len(tables) > 5 else "")
        raise ForeignDatabaseError(
            f"{address} holds tables that are not nevus' ({shown}). Give nevus a database of its own in store.url."
        )


def _migrate(connection: sa.Connection, found: str | None, address: str) -> None:
    require("alembic", "store")
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    known = [revision.revision for revision in ScriptDirectory.from_config(config).walk_revisions()]
    if found is not None and found not in known:
        raise SchemaTooNewError(
            f"the store {address} has schema {found}; this nevus knows schemas up to {HEAD}, so a later one wrote it. "
            "Upgrade nevus, or name another store by --home or store.url."
        )
    command.upgrade(config, "head")
