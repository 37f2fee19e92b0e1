"""Heartbeats: what each server process did in each minute, and whether it was there at all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from nevus.store.columns import now
from nevus.store.database import Store
from nevus.store.serving_tables import HeartbeatRow

_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Heartbeat:
    """One minute of one process. refused: answered 4xx. failed: answered 5xx. Latencies: None without a request."""

    instance: str
    minute: datetime
    ready: bool
    requests: int = 0
    refused: int = 0
    failed: int = 0
    median_ms: float | None = None
    p99_ms: float | None = None


@dataclass(frozen=True)
class Minute:
    """One minute of all processes.

    instances: how many gave a sign of life; ready: how many of them were ready. median_ms: mean of the processes'
    medians by their requests, which is near the median of all. p99_ms: the worst process'.
    """

    minute: datetime
    instances: int = 0
    ready: int = 0
    requests: int = 0
    refused: int = 0
    failed: int = 0
    median_ms: float | None = None
    p99_ms: float | None = None


def beat(store: Store, heartbeat: Heartbeat) -> None:
    """Write down a process' minute; what it said of this minute before is replaced."""
    row = asdict(replace(heartbeat, minute=_floor(heartbeat.minute)))
    changes = {name: value for name, value in row.items() if name not in ("instance", "minute")}
    with store.append() as connection:
        insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
        statement = insert(HeartbeatRow).values(row)
        connection.execute(statement.on_conflict_do_update(index_elements=["instance", "minute"], set_=changes))


def last_minutes(store: Store, count: int, *, at: datetime | None = None) -> list[Minute]:
    """The minutes up to this moment's (default: now), the oldest first; silent ones are there with 0 instances."""
    end = _floor(at or now())
    begin = end - (count - 1) * _MINUTE
    said: dict[datetime, list[HeartbeatRow]] = defaultdict(list)
    with store.read() as session:
        for row in session.scalars(sa.select(HeartbeatRow).where(HeartbeatRow.minute.between(begin, end))):
            said[row.minute].append(row)
    return [_merged(minute, said[minute]) for minute in (begin + n * _MINUTE for n in range(count))]


def forget_heartbeats(store: Store, *, before: datetime) -> int:
    """Remove the minutes before a moment; how many rows went."""
    with store.append() as connection:
        return connection.execute(sa.delete(HeartbeatRow).where(HeartbeatRow.minute < before)).rowcount


def _merged(minute: datetime, rows: Sequence[HeartbeatRow]) -> Minute:
    timed = [(row.median_ms, row.requests) for row in rows if row.median_ms is not None and row.requests]
    requests = sum(count for _, count in timed)
    return Minute(
        minute,
        instances=len(rows),
        ready=sum(row.ready for row in rows),
        requests=sum(row.requests for row in rows),
        refused=sum(row.refused for row in rows),
        failed=sum(row.failed for row in rows),
        median_ms=sum(median * count for median, count in timed) / requests if timed else None,
        p99_ms=max((row.p99_ms for row in rows if row.p99_ms is not None), default=None),
    )


def _floor(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(second=0, microsecond=0)
