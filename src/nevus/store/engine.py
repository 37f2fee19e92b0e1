"""How nevus talks to SQLite and to Postgres: snapshots to read, one writer at a time."""

from __future__ import annotations

import os
import sqlite3
import time
from functools import partial
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from nevus.errors import require

BUSY_SECONDS = 30.0
"""How long a writer waits for its turn before it gives up."""
_CACHE_KIB = 16_384
"""Pages that a connection to SQLite keeps. The indexes of some hundred thousand answers are larger than its usual 2 MB,
and would be read anew for each."""
_WRITER_LOCK = 0x6E65767573  # "nevus", the key of Postgres' advisory lock


def connect(url: sa.URL, *, survive_power_loss: bool = True) -> sa.Engine:
    """An engine whose transactions do what `Store` promises.

    An engine (or session) with the execution option `nevus_write` opens its SQLite transactions by BEGIN IMMEDIATE.

    Args:
        url: of SQLite or Postgres.
        survive_power_loss: wait at each commit until the disk has it. Without, a commit survives the death of any
            process, but the last ones may be lost when the machine loses power. Postgres always waits, unless its
            owner has told it not to.
    """
    if url.get_backend_name() == "postgresql":
        require("psycopg", "postgres")
        # synchronous_commit=off would lose the last commits when Postgres itself dies, not only with the power.
        return sa.create_engine(url, pool_pre_ping=True, connect_args={"connect_timeout": 10}, hide_parameters=True)
    engine = sa.create_engine(url, connect_args={"timeout": BUSY_SECONDS}, hide_parameters=True)
    sa.event.listen(engine, "connect", partial(_configure, synchronous="FULL" if survive_power_loss else "NORMAL"))
    sa.event.listen(engine, "begin", _begin)
    sa.event.listen(engine, "handle_error", _let_go)
    if url.database and not url.database.startswith("file:"):
        _mind_the_file(engine, Path(url.database))
    return engine


def _mind_the_file(engine: sa.Engine, file: Path) -> None:
    """Notice when the file was taken away or replaced: SQLite would go on writing to one that nobody can open again."""

    def identity() -> tuple[int, int] | None:
        try:
            found = file.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def writable() -> bool:
        return os.access(file, os.W_OK)

    seen = False

    def connecting(_: sa.Dialect, record: ConnectionPoolEntry, *__: object) -> None:
        record.info["writable"] = writable()  # asked before it is opened: if it can be written only then, that is seen
        if seen and identity() is None:  # SQLite would make an empty one in its place
            raise sqlite3.OperationalError("its file is gone; put it back, or restore a backup")

    def connected(_: DBAPIConnection, record: ConnectionPoolEntry) -> None:
        nonlocal seen
        seen = True
        record.info["file"] = identity()

    def used(_: DBAPIConnection, record: ConnectionPoolEntry, __: object) -> None:
        if record.info.get("file") != identity():
            raise sa.exc.DisconnectionError("the database's file was replaced")
        if not record.info["writable"] and writable():  # what was opened to read only stays so for ever
            raise sa.exc.DisconnectionError("the database's file can be written again")

    sa.event.listen(engine, "do_connect", connecting)
    sa.event.listen(engine, "connect", connected)
    sa.event.listen(engine, "checkout", used)


_OPENED_AS_IT_WAS = ("SQLITE_READONLY", "SQLITE_IOERR")


def _let_go(context: sa.engine.ExceptionContext) -> None:
    """Open the file anew next time: a connection made while it couldn't be written stays read-only for ever."""
    if str(getattr(context.original_exception, "sqlite_errorname", "")).startswith(_OPENED_AS_IT_WAS):
        context.is_disconnect = True


def exclusive(connection: sa.Connection) -> None:
    """Wait for this transaction's turn to write; SQLite has already done so in BEGIN IMMEDIATE."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.set_config("lock_timeout", f"{BUSY_SECONDS:.0f}s", True)))
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_WRITER_LOCK)))


def hold_appends(connection: sa.Connection, table: str) -> None:
    """Let rows be appended to the table only when this transaction has ended, and wait for those that are being added.

    SQLite has one writer anyhow; on Postgres appending waits for nobody.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text(f'LOCK TABLE "{table}" IN SHARE MODE'))


def _configure(connection: DBAPIConnection, record: ConnectionPoolEntry, *, synchronous: str) -> None:  # noqa: ARG001
    if not isinstance(connection, sqlite3.Connection):
        raise TypeError(f"expected a connection of sqlite3, got {type(connection).__name__}")
    # The driver's own idea of transactions opens none for SELECT: no snapshots. Ours are opened by `_begin`.
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA secure_delete = ON")  # what was erased is overwritten, whatever this SQLite's default
    connection.execute(f"PRAGMA cache_size = {-_CACHE_KIB}")
    connection.execute(f"PRAGMA synchronous = {synchronous}")
    _use_write_ahead_log(connection)


def _use_write_ahead_log(connection: sqlite3.Connection) -> None:
    """Turn WAL on; once on, it stays on for the file. SQLite doesn't wait for a busy file here, so we do."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def _begin(connection: sa.Connection) -> None:
    writing = connection.get_execution_options().get("nevus_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")
