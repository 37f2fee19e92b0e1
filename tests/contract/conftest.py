"""Every database that a store can live in: SQLite always, a throwaway Postgres where its programs are installed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
from pydantic import SecretStr

from nevus.store import NewVersion, Store, StoreSettings, open_store
from postgres_server import postgres

_numbers = count()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of a Postgres that this test run has started, without a database's name."""
    with postgres() as server:
        yield server.url


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.service)])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'nevus.db'}"
    import psycopg

    server = request.getfixturevalue("postgres_server")
    name = f"nevus_{next(_numbers)}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}")
    return f"{server}/postgres?options=-csearch_path%3D{name}"


@pytest.fixture(scope="session")
def empty_sqlite_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a store with nothing in it: copying it is faster than migrating for every test."""
    file = tmp_path_factory.mktemp("template") / "nevus.db"
    open_store(StoreSettings(url=SecretStr(f"sqlite:///{file}"))).close()
    return file


@pytest.fixture
def store(store_url: str, empty_sqlite_store: Path) -> Iterator[Store]:
    """An open, empty store."""
    if store_url.startswith("sqlite:"):
        shutil.copy(empty_sqlite_store, store_url.removeprefix("sqlite:///"))
    with open_store(StoreSettings(url=SecretStr(store_url))) as opened:
        yield opened


_TEMPLATE = NewVersion(
    model="lesions",
    bundle_uri="/models/lesions",
    bundle_digest="0" * 64,
    task="diagnosis",
    classes=("mel", "nv"),
    malignant=("mel",),
    gate={"passed": True, "lines": []},
    gate_passed=True,
    licence="CC-BY-4.0",
    commercial_use=True,
)


@pytest.fixture
def new_version():
    """A function that makes something to register: `new_version(3)` has digest 3; keywords change the rest."""

    def make(number: int = 0, **changes: object) -> NewVersion:
        return replace(_TEMPLATE, **{"bundle_digest": f"{number:064x}", **changes})

    return make
