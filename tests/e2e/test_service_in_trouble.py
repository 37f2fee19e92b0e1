"""A service whose store goes away, is held or full: it says so, loses nothing, and recovers by itself."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from serve_process import ServeProcess, serve
from serving_factory import tiny_bundle
from trouble import ask, label, own_disk, predict, readable, recovered, refused

pytestmark = pytest.mark.slow  # each test starts a server

TIMEOUT = 2.0
LATEST = 1.5
"""Seconds that a busy machine may take beyond the time that was set."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServeProcess]:
    bundle = tiny_bundle(tmp_path / "bundle")
    with serve(tmp_path / "home", "--bundle", str(bundle), "--set", f"timeout_seconds={TIMEOUT}") as started:
        yield started


def test_a_store_that_another_process_holds_is_waited_for_and_then_said(server: ServeProcess, tmp_path: Path) -> None:
    received = [predict(server.url, number)[1]["prediction_id"] for number in range(3)]
    with closing(sqlite3.connect(tmp_path / "home" / "nevus.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        started = time.monotonic()
        refused(server.url)
        assert time.monotonic() - started < TIMEOUT + LATEST + 1
        readable(server.url, received)
        other.execute("ROLLBACK")
    received.append(recovered(server.url)["prediction_id"])
    readable(server.url, received)


def test_a_store_whose_file_is_gone_is_missed_and_used_again_when_it_is_back(
    server: ServeProcess, tmp_path: Path
) -> None:
    received = [predict(server.url, number)[1]["prediction_id"] for number in range(3)]
    home, away = tmp_path / "home", tmp_path / "away"
    away.mkdir()
    for file in home.glob("nevus.db*"):
        shutil.move(file, away / file.name)
    refused(server.url)
    assert not (home / "nevus.db").exists()
    for file in away.iterdir():
        shutil.move(file, home / file.name)
    received.append(recovered(server.url)["prediction_id"])
    readable(server.url, received)


def test_a_bundle_that_is_deleted_goes_on_answering(server: ServeProcess, tmp_path: Path) -> None:
    before = predict(server.url)[1]
    shutil.rmtree(tmp_path / "bundle")
    status, after = predict(server.url)
    assert (status, after["probabilities"]) == (200, before["probabilities"])
    assert ask(f"{server.url}/ready")[0] == 200
    assert ask(f"{server.url}/v1/models/served/manifest")[0] == 200  # remembered by the store
    status, document = ask(f"{server.url}/v1/models/served/profile")
    assert status == 404
    assert str(tmp_path) not in json.dumps(document)


def test_a_disk_that_is_full_is_said_and_nothing_is_lost(tmp_path: Path) -> None:
    with own_disk(tmp_path) as own:
        own.say(f"mount -t tmpfs -o size=2m none '{own.disk}'")
        own.serve()
        received: list[str] = []
        for number in range(2000):
            status, answer = predict(own.url, number % 40)
            if status != 200:
                break
            received.append(answer["prediction_id"])
        assert received
        refused(own.url)
        readable(own.url, received)
        own.say(f"mount -o remount,size=64m '{own.disk}'")
        received.append(recovered(own.url)["prediction_id"])
        readable(own.url, received)


def test_a_disk_that_is_read_only_for_a_while_is_said_and_written_again(tmp_path: Path) -> None:
    with own_disk(tmp_path) as own:
        own.serve()
        received = [predict(own.url, number)[1]["prediction_id"] for number in range(3)]
        # Over itself: what is open for writing stays so, and would keep its own mount from becoming read-only.
        own.say(f"mount --bind '{own.disk}' '{own.disk}' && mount -o remount,bind,ro '{own.disk}'")
        # So many readers at once open the database anew, and SQLite keeps what it opened so read-only for ever.
        with ThreadPoolExecutor(16) as pool:
            page = f"{own.url}/v1/predictions"
            assert {status for status, _ in pool.map(ask, [page] * 100)} == {200}
        refused(own.url)
        readable(own.url, received)
        own.say(f"mount -o remount,bind,rw '{own.disk}'")
        received.append(recovered(own.url)["prediction_id"])
        said = [label(own.url, received[0], number) for number in range(30)]
        assert said == [201] * 30  # none meets with a connection that was opened meanwhile
        readable(own.url, received)


def _immutable_while_open(probe: Path) -> bool:
    """Whether such a file takes no more bytes from whoever has it open; tmpfs lets them in."""
    with probe.open("wb", buffering=0) as opened:
        subprocess.run(["chattr", "+i", str(probe)], capture_output=True, check=False)
        try:
            opened.write(b"x")
            return False
        except PermissionError:
            return True
        finally:
            subprocess.run(["chattr", "-i", str(probe)], capture_output=True, check=False)


# Not nevus.db-shm: it is mapped into memory, and Linux kills a process (SIGBUS) that writes to a map it may not write.
@pytest.mark.parametrize("locked", ["nevus.db-wal", "blobs/.partial"])
def test_files_that_may_not_be_written_for_a_while_are_said_and_written_again(
    server: ServeProcess, tmp_path: Path, locked: str
) -> None:
    received = [predict(server.url, number)[1]["prediction_id"] for number in range(3)]
    paths = [str(path) for path in (tmp_path / "home").glob(locked)]
    assert paths
    lock = subprocess.run(["chattr", "+i", *paths], capture_output=True, check=False)
    try:
        if lock.returncode or not _immutable_while_open(tmp_path / "probe"):
            pytest.skip(
                "needs files that can be made immutable while they are open (chattr +i), as root on ext4 or xfs"
            )
        refused(server.url)
        readable(server.url, received)
    finally:
        subprocess.run(["chattr", "-i", *paths], capture_output=True, check=False)
    received.append(recovered(server.url)["prediction_id"])
    assert label(server.url, received[0]) in (201, 503)
    assert label(server.url, received[0], 1) == 201
    readable(server.url, received)
