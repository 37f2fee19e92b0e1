"""What went wrong with the database, said so that its owner can do something about it."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa

from nevus.errors import InputError, NevusError, StorageFullError
from nevus.store.engine import BUSY_SECONDS


class StoreError(NevusError, RuntimeError):
    """The store can't be used."""


class StoreUnreachableError(InputError):
    """There is no usable store at the address."""


class StoreBusyError(StoreError):
    """Another process kept the store to itself for too long."""


class UnstorableValueError(InputError):
    """A value that no database holds, such as a text with NUL in it, or a number beyond all columns."""


def explain(error: sa.exc.DBAPIError, address: str) -> NevusError:
    """The error of nevus that tells what the driver's error means. Passwords never appear in it."""
    cause = error.orig
    code = str(getattr(cause, "sqlite_errorname", None) or getattr(cause, "sqlstate", None) or "")
    said = str(cause).strip().splitlines()[0] if str(cause).strip() else type(cause).__name__
    for codes, make in _MEANINGS:
        if code.startswith(codes):
            return make(address, said)
    if isinstance(error, sa.exc.DataError):
        return UnstorableValueError("a value holds what no database can: a character NUL, or a number beyond measure.")
    if isinstance(error, sa.exc.OperationalError) and not code:
        return StoreUnreachableError(f"the store {address} can't be reached: {said}")
    return StoreError(f"the store {address} refused: {said}")


def _full(address: str, said: str) -> NevusError:
    return StorageFullError(f"the disk of the store {address} is full ({said}); nothing was recorded. Free some space.")


def _busy(address: str, said: str) -> NevusError:
    return StoreBusyError(
        f"the store {address} was held by another process for more than {BUSY_SECONDS:.0f} s ({said}); "
        "nothing was recorded. Let it finish, then try again."
    )


def _closed(address: str, said: str) -> NevusError:
    return StoreUnreachableError(
        f"the store {address} can't be opened ({said}): does its folder exist, and may you write there?"
    )


def _read_only(address: str, said: str) -> NevusError:
    return StoreUnreachableError(f"the store {address} must be writable for you ({said}).")


def _failing(address: str, said: str) -> NevusError:
    return StoreError(f"the file of the store {address} can't be read or written ({said}): look at its disk.")


def _damaged(address: str, said: str) -> NevusError:
    return StoreError(f"the file of the store {address} is damaged or no database ({said}). Restore a backup.")


_MEANINGS: tuple[tuple[tuple[str, ...], Callable[[str, str], NevusError]], ...] = (
    (("SQLITE_FULL", "53100"), _full),
    (("SQLITE_BUSY", "SQLITE_LOCKED", "55P03"), _busy),
    (("SQLITE_CANTOPEN",), _closed),
    (("SQLITE_READONLY",), _read_only),
    (("SQLITE_IOERR",), _failing),
    (("SQLITE_NOTADB", "SQLITE_CORRUPT"), _damaged),
)
"""Error codes of SQLite, and SQLSTATEs of Postgres, by their beginning."""
