"""The database's rows as JSON lines, one file a table: how a Postgres is backed up."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from nevus.store import serving_tables  # noqa: F401 - so that all tables are known
from nevus.store.columns import UtcDateTime
from nevus.store.tables import AuditHeadRow, Base

_ROWS_AT_ONCE = 500


def tables() -> list[sa.Table]:
    """All tables, those that others point at first."""
    return list(Base.metadata.sorted_tables)


def dump(session: Session, table: sa.Table, file: Path) -> None:
    """Write the rows that the session's snapshot sees."""
    order = list(table.primary_key.columns)
    rows = session.execute(sa.select(table).order_by(*order).execution_options(yield_per=_ROWS_AT_ONCE))
    with file.open("w", encoding="utf-8") as out:
        for row in rows:
            values = zip(table.columns, row, strict=True)
            out.write(json.dumps({column.name: _written(value) for column, value in values}) + "\n")


def load(session: Session, table: sa.Table, lines: Iterator[bytes]) -> int:
    """Add the rows to an empty table; how many. What points at rows of the same table is filled in at the end."""
    own = [c.name for c in table.columns if any(key.column.table is table for key in c.foreign_keys)]
    later: list[dict[str, Any]] = []
    count, batch = 0, list[dict[str, Any]]()
    if table is AuditHeadRow.__table__:  # its one row is there from the beginning
        for line in lines:
            row = _row(table, line)
            session.execute(sa.update(table).where(table.c.id == row.pop("id")).values(**row))
            count += 1
        return count
    for line in lines:
        row = _row(table, line)
        if any(row[name] is not None for name in own):
            later.append({**row})
        batch.append({**row, **dict.fromkeys(own)})
        count += 1
        if len(batch) == _ROWS_AT_ONCE:
            session.execute(sa.insert(table), batch)
            batch = []
    if batch:
        session.execute(sa.insert(table), batch)
    for row in later:
        same = [column == row[column.name] for column in table.primary_key.columns]
        session.execute(sa.update(table).where(*same).values({name: row[name] for name in own}))
    _count_on(session, table)
    return count


def _count_on(session: Session, table: sa.Table) -> None:
    """Let Postgres' own counters go on behind the rows that were put in."""
    column = table.autoincrement_column
    if column is None or session.connection().dialect.name != "postgresql":
        return
    counter = session.scalar(sa.select(sa.func.pg_get_serial_sequence(table.name, column.name)))
    highest = session.scalar(sa.select(sa.func.max(column)))
    if counter and highest:
        session.execute(sa.select(sa.func.setval(counter, highest)))


def _row(table: sa.Table, line: bytes) -> dict[str, Any]:
    values = json.loads(line)
    return {column.name: _read(column, values[column.name]) for column in table.columns}


def _written(value: Any) -> Any:
    if value is None or not isinstance(value, datetime | date | bytes):
        return value
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value.isoformat()


def _read(column: sa.Column[Any], value: Any) -> Any:
    if value is None:
        return None
    if isinstance(column.type, UtcDateTime):
        return datetime.fromisoformat(value)
    if isinstance(column.type, sa.Date):
        return date.fromisoformat(value)
    if isinstance(column.type, sa.LargeBinary):
        return base64.b64decode(value)
    return value
