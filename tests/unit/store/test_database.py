from __future__ import annotations

import shutil
import sqlite3
import stat

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from nevus.errors import EXIT_BAD_INPUT, StorageFullError
from nevus.store import StoreSettings, open_store, record_test_opening, store_address
from nevus.store.database import StoreAddressError
from nevus.store.failures import StoreBusyError, StoreError, StoreUnreachableError
from nevus.store.home import HomeError, make_home, resolve_home


def settings(url):
    return StoreSettings(url=SecretStr(str(url)))


def test_the_default_is_a_file_in_the_home_folder_that_only_its_owner_reads(tmp_path):
    home = tmp_path / "deep" / "home"
    with open_store(StoreSettings(home=home)) as store:
        assert store.address == f"sqlite:///{home}/nevus.db"
    assert (home / "nevus.db").stat().st_size > 0
    assert stat.S_IMODE((home / "nevus.db").stat().st_mode) == 0o600
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


def test_a_home_that_exists_keeps_its_permissions(tmp_path):
    tmp_path.chmod(0o750)
    make_home(tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o750


def test_the_setting_beats_the_variable_and_the_variable_the_default(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("NEVUS_HOME", raising=False)
    assert resolve_home() == tmp_path / ".nevus"
    monkeypatch.setenv("NEVUS_HOME", str(tmp_path / "v"))
    assert resolve_home() == tmp_path / "v"
    assert resolve_home(tmp_path / "s") == tmp_path / "s"
    assert store_address(StoreSettings()).database == str(tmp_path / "v" / "nevus.db")
    assert not (tmp_path / "v").exists()


def test_a_home_whose_name_is_taken_by_a_file_is_refused(tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(HomeError, match=r"--home, NEVUS_HOME or store\.home"):
        make_home(tmp_path / "taken" / "home")
    with pytest.raises(HomeError):
        make_home(tmp_path / "taken")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://root:hunter2@host/db", "'mysql'"),
        ("hunter2 is no address", "not an address"),
        ("sqlite://", "in memory"),
        ("sqlite:///:memory:", "in memory"),
    ],
)
def test_an_address_that_will_not_do_is_refused_without_showing_a_password(url, said):
    with pytest.raises(StoreAddressError, match=said) as caught:
        open_store(settings(url))
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("name", ["postgres", "postgresql", "postgresql+psycopg", "postgresql+psycopg2"])
def test_every_name_of_postgres_means_psycopg_3(name):
    assert store_address(settings(f"{name}://u:p@h/db")).drivername == "postgresql+psycopg"


def test_a_postgres_that_does_not_answer_is_said_so(unused_port):
    pytest.importorskip("psycopg")
    with pytest.raises(StoreUnreachableError, match="can't be reached") as caught:
        open_store(settings(f"postgresql://app:hunter2@127.0.0.1:{unused_port}/db"))
    assert "hunter2" not in str(caught.value)
    assert caught.value.exit_code == EXIT_BAD_INPUT


@pytest.fixture
def unused_port():
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_a_folder_that_is_missing_is_said_so(tmp_path):
    with pytest.raises(StoreUnreachableError, match="does its folder exist"):
        open_store(settings(f"sqlite:///{tmp_path}/nowhere/nevus.db"))


def test_a_file_that_is_no_database_is_said_so_and_kept(tmp_path):
    file = tmp_path / "nevus.db"
    file.write_text("dear diary" * 200)
    with pytest.raises(StoreError, match="no database"):
        open_store(settings(f"sqlite:///{file}"))
    assert file.read_text().startswith("dear diary")


def test_a_full_disk_is_said_so_and_what_was_there_stays(tmp_path):
    with open_store(StoreSettings(home=tmp_path)) as store:
        record_test_opening(store, {"i"}, split_fingerprint="s", bundle_digest="b", run="r")
        with store.write() as session:
            session.execute(sa.text("PRAGMA max_page_count = 1"))  # SQLite's own way to have a small disk
        with pytest.raises(StorageFullError, match="Free some space"):
            record_test_opening(store, {"i"}, split_fingerprint="s", bundle_digest="b", run="x" * 1_000_000)
        with store.read() as session:
            assert session.execute(sa.text("SELECT count(*) FROM test_openings")).scalar() == 1


def test_a_store_that_somebody_else_keeps_busy_is_said_so(tmp_path, monkeypatch):
    monkeypatch.setattr("nevus.store.engine.BUSY_SECONDS", 0.2)
    with open_store(StoreSettings(home=tmp_path)) as store:
        other = sqlite3.connect(tmp_path / "nevus.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        try:
            with pytest.raises(StoreBusyError, match="another process"):
                record_test_opening(store, {"i"}, split_fingerprint="s", bundle_digest="b", run="r")
        finally:
            other.execute("ROLLBACK")
            other.close()
        assert record_test_opening(store, {"i"}, split_fingerprint="s", bundle_digest="b", run="r") == 1


def test_readers_go_on_while_one_writes(tmp_path):
    with open_store(StoreSettings(home=tmp_path)) as store, store.write() as writing:
        writing.execute(sa.text("INSERT INTO models VALUES ('m', '2026-01-01')"))
        with store.read() as session:
            assert session.execute(sa.text("SELECT count(*) FROM models")).scalar() == 0


def test_an_error_of_the_database_names_no_values(tmp_path):
    query = sa.text("SELECT no_such_function(:name)")
    with (
        open_store(StoreSettings(home=tmp_path)) as store,
        pytest.raises(StoreError) as caught,
        store.read() as session,
    ):
        session.execute(query, {"name": "Mrs Secret"})
    assert "no_such_function" in str(caught.value.__cause__)
    assert "Secret" not in str(caught.value.__cause__)


def test_a_file_that_vanishes_is_missed_and_not_made_anew_and_one_put_back_is_used(tmp_path):
    file, away = tmp_path / "nevus.db", tmp_path / "away.db"
    query = sa.text("SELECT count(*) FROM predictions")
    with open_store(StoreSettings(home=tmp_path)) as store:
        with store.read() as session:
            assert session.scalar(query) == 0
        with store.append() as connection:
            connection.execute(query)
        shutil.copy(file, away)
        file.unlink()
        for unit in (store.read, store.write, store.append):
            with pytest.raises(StoreUnreachableError, match="is gone"), unit() as opened:
                opened.execute(query)
        assert not file.exists()
        shutil.copy(away, file)
        for unit in (store.read, store.write, store.append):
            with unit() as opened:
                assert opened.execute(query).scalar() == 0
