"""The database: opened by its address, brought to this version's schema, read in snapshots, written one at a time."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

import sqlalchemy as sa
from sqlalchemy.orm import Session

from nevus.errors import InputError
from nevus.store.engine import connect, exclusive
from nevus.store.failures import StoreUnreachableError, explain
from nevus.store.home import make_home, resolve_home
from nevus.store.schema import bring_up_to_date
from nevus.store.settings import StoreSettings

DATABASE_FILE = "nevus.db"


class StoreAddressError(InputError):
    """`store.url` isn't an address of a database that nevus can use."""


class Store:
    """An open database. Work happens in units: `with store.read() as session`, `with store.write() as session`."""

    def __init__(self, url: sa.URL) -> None:
        """Connect and migrate; `open_store` is the usual way in."""
        self.url = url
        self._engine = connect(url)
        self._reader = self._engine
        if url.get_backend_name() == "postgresql":
            self._reader = self._engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self._writer = self._engine.execution_options(nevus_write=True)  # an audited decision survives a power cut
        self._appenders: dict[bool, sa.Engine] = {True: self._writer}
        with self._explained():
            bring_up_to_date(self._engine, self._writer, self.address)

    @property
    def address(self) -> str:
        """The address, without its password."""
        return self.url.render_as_string(hide_password=True)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A snapshot: everything read in it belongs to one moment."""
        with self._explained(), Session(self._reader, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A unit that happens wholly or not at all, and never beside another one, of this or any other process."""
        with self._explained(), Session(self._writer, expire_on_commit=False) as session, session.begin():
            exclusive(session.connection())
            yield session

    @contextmanager
    def append(self, *, survive_power_loss: bool = False) -> Iterator[sa.Connection]:
        """A unit that only adds rows of its own, such as predictions; on Postgres it waits for no other unit.

        It happens wholly or not at all, and survives the death of this process. Without `survive_power_loss` the last
        ones may be lost when the machine loses power.
        """
        with self._explained(), self._appender(survive_power_loss).begin() as connection:
            yield connection

    def empty_log(self) -> bool:
        """Write SQLite's log into the database and empty it: it still holds the pages of what was deleted since.

        Returns:
            Whether it is empty; others who read just now may keep it. Always true on Postgres, whose own log and
            dead rows are the business of its VACUUM and its archive.
        """
        if self.url.get_backend_name() != "sqlite":
            return True
        with self._explained():
            connection = self._engine.raw_connection()
        try:
            cursor = connection.cursor()
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            busy: int = cursor.fetchall()[0][0]
            return busy == 0
        except sqlite3.Error:  # held for longer than anybody waits, or its disk is full
            return False
        finally:
            connection.close()

    def _appender(self, survive_power_loss: bool) -> sa.Engine:
        if survive_power_loss not in self._appenders:
            engine = connect(self.url, survive_power_loss=survive_power_loss)
            self._appenders[survive_power_loss] = engine.execution_options(nevus_write=True)
        return self._appenders[survive_power_loss]

    def close(self) -> None:
        """Let go of the connections."""
        for engine in (self._engine, *self._appenders.values()):
            engine.dispose()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sa.exc.DBAPIError as error:
            raise explain(error, self.address) from error


def open_store(settings: StoreSettings | None = None) -> Store:
    """Open the store that the settings name, making it where it doesn't exist yet.

    Raises:
        StoreAddressError: the address isn't one of SQLite or Postgres.
        SchemaTooNewError: a later nevus wrote it.
        StoreError: it can't be reached, read or written; the message says which.
    """
    chosen = settings or StoreSettings()
    if chosen.url is None:
        file = make_home(chosen.home) / DATABASE_FILE
        _make_private(file)
        return Store(sa.URL.create("sqlite", database=str(file)))
    return Store(_checked(chosen.url.get_secret_value()))


def store_address(settings: StoreSettings | None = None) -> sa.URL:
    """The address that `open_store` would open, without opening or making anything."""
    chosen = settings or StoreSettings()
    if chosen.url is None:
        return sa.URL.create("sqlite", database=str(resolve_home(chosen.home) / DATABASE_FILE))
    return _checked(chosen.url.get_secret_value())


def _make_private(file: Path) -> None:
    """Make the file for its owner only, even in a home that others may read; SQLite gives its log the same mode."""
    try:
        file.touch(mode=0o600, exist_ok=True)
    except OSError as error:
        raise StoreUnreachableError(
            f"the store {file} can't be written ({error.strerror}). Name another by --home, NEVUS_HOME or store.home."
        ) from error


def _checked(text: str) -> sa.URL:
    try:
        url = sa.make_url(text)
    except sa.exc.ArgumentError as error:  # its message repeats the text, which may hold a password
        raise StoreAddressError(
            "store.url is not an address. Write sqlite:////folder/nevus.db or postgresql://user:password@host/name."
        ) from error
    backend = url.drivername.partition("+")[0]
    if backend in ("postgres", "postgresql"):
        return url.set(drivername="postgresql+psycopg")
    if backend != "sqlite":
        raise StoreAddressError(f"store.url names {backend!r}; nevus keeps its store in sqlite or postgresql.")
    if not url.database or url.database == ":memory:":
        raise StoreAddressError("store.url names no file, and a store in memory would forget. Add a path.")
    if url.database.startswith("file:"):
        return url
    return url.set(database=str(Path(url.database).expanduser().absolute()))
