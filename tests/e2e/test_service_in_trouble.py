"""A service whose clients dawdle and whose store goes away: it says so, loses nothing, and recovers by itself."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from serve_process import ServeProcess, free_port, serve
from serving_factory import drawn, tiny_bundle

pytestmark = pytest.mark.slow  # each test starts a server

TIMEOUT = 2.0
LATEST = 1.5
"""Seconds that a busy machine may take beyond the time that was set."""


def ask(url: str, method: str = "GET", data: bytes | None = None, wait: float = 60.0) -> tuple[int, dict[str, Any]]:
    request = urllib.request.Request(url, data=data, headers={"Content-Type": "image/jpeg"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=wait) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def predict(url: str, number: int = 0) -> tuple[int, dict[str, Any]]:
    return ask(f"{url}/v1/predictions", "POST", drawn("nv", number))


def recovered(url: str, seconds: float = 40.0) -> dict[str, Any]:
    """The first answer after the trouble."""
    ends = time.monotonic() + seconds
    while True:
        status, answer = predict(url)
        if status == 200:
            return answer
        assert time.monotonic() < ends, answer
        time.sleep(0.2)


def readable(url: str, received: list[str]) -> None:
    for prediction_id in received:
        assert ask(f"{url}/v1/predictions/{prediction_id}")[0] == 200


def refused(url: str) -> None:
    """503 that says what to do and nothing of the inside; the process itself is well."""
    status, document = predict(url)
    assert status == 503, document
    assert "nevus.db" not in json.dumps(document)
    assert "sqlite" not in json.dumps(document).lower()
    assert ask(f"{url}/health", wait=2)[0] == 200


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServeProcess]:
    bundle = tiny_bundle(tmp_path / "bundle")
    with serve(tmp_path / "home", "--bundle", str(bundle), "--set", f"timeout_seconds={TIMEOUT}") as started:
        yield started


def connect(server: ServeProcess) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=20)


def seconds_until_closed(connection: socket.socket, piece: bytes) -> tuple[float, bytes]:
    """Send a piece every 0.2 s until the other side has had enough; what it said."""
    started, said = time.monotonic(), b""
    connection.settimeout(0.2)
    while time.monotonic() - started < 15:
        with suppress(OSError):
            connection.sendall(piece)
        try:
            got = connection.recv(65536)
        except TimeoutError:
            continue
        except OSError:
            break
        if not got:
            break
        said += got
    return time.monotonic() - started, said


def test_clients_that_dawdle_are_let_go_and_nobody_waits_for_them(server: ServeProcess) -> None:
    head = b"POST /v1/predictions HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\nContent-Length: 90000\r\n\r\n"
    for path in (b"/v1/predictions", b"/v1/labels", b"/v1/predictions/batch"):
        kind = b"application/json" if path != b"/v1/predictions" else b"image/jpeg"
        with closing(connect(server)) as slow:
            slow.sendall(head.replace(b"/v1/predictions", path).replace(b"image/jpeg", kind))
            took, said = seconds_until_closed(slow, b"x")
            assert said.startswith(b"HTTP/1.1 408"), (path, said)
            assert TIMEOUT * 0.8 < took < TIMEOUT + LATEST
    with closing(connect(server)) as slow:
        took, said = seconds_until_closed(slow, b"G")
        assert took < TIMEOUT + LATEST
    with closing(connect(server)) as silent:
        took, said = seconds_until_closed(silent, b"")
        assert (said, took < TIMEOUT + LATEST) == (b"", True)
    with closing(connect(server)) as second:  # the head of a second request
        second.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        assert second.recv(65536).startswith(b"HTTP/1.1 200")
        second.sendall(b"GET /heal")
        took, said = seconds_until_closed(second, b"h")
        assert took < TIMEOUT + LATEST
    dawdling = [connect(server) for _ in range(300)]
    try:
        for one in dawdling:
            one.sendall(head)
        started = time.monotonic()
        assert ask(f"{server.url}/health", wait=2)[0] == 200
        assert time.monotonic() - started < 1
    finally:
        for one in dawdling:
            one.close()
    assert recovered(server.url)["prediction_id"]


def test_an_endless_body_is_cut_off(server: ServeProcess) -> None:
    with closing(connect(server)) as endless:
        endless.sendall(
            b"POST /v1/predictions HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )
        chunk = b"10000\r\n" + bytes(0x10000) + b"\r\n"
        sent = 0
        try:
            while sent < 200_000_000:
                endless.sendall(chunk)
                sent += len(chunk)
        except OSError:
            pass
        assert sent < 60_000_000  # the limit is 20 MB; what was on its way comes on top
    assert predict(server.url)[0] == 200


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


PRIVATE = ["unshare", "--user", "--map-root-user", "--mount"]


def test_a_disk_that_is_full_is_said_and_nothing_is_lost(tmp_path: Path) -> None:
    if shutil.which("unshare") is None or subprocess.run([*PRIVATE, "true"], check=False).returncode:
        pytest.skip("needs leave to mount a small file system of one's own (unshare --user --mount)")
    disk, bundle, port = tmp_path / "disk", tiny_bundle(tmp_path / "bundle"), free_port()
    disk.mkdir()
    url = f"http://127.0.0.1:{port}"
    shell = subprocess.Popen(
        [*PRIVATE, "sh"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=(tmp_path / "log").open("wb"),
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )

    def say(line: str) -> None:
        assert shell.stdin is not None
        assert shell.stdout is not None
        shell.stdin.write(f"{line}\necho done\n".encode())
        shell.stdin.flush()
        assert shell.stdout.readline() == b"done\n"

    try:
        say(f"mount -t tmpfs -o size=2m none '{disk}'")
        serving = f"'{sys.executable}' -m nevus serve --home '{disk}/home' --bundle '{bundle}' --port {port}"
        say(f"{serving} --set timeout_seconds=5 >/dev/null & pid=$!")
        ends = time.monotonic() + 60
        while True:
            try:
                if ask(f"{url}/ready", wait=5)[0] == 200:
                    break
            except OSError:
                pass
            assert time.monotonic() < ends, (tmp_path / "log").read_text()
            time.sleep(0.1)
        received: list[str] = []
        for number in range(2000):
            status, answer = predict(url, number % 40)
            if status != 200:
                break
            received.append(answer["prediction_id"])
        assert received
        refused(url)
        readable(url, received)
        say(f"mount -o remount,size=64m '{disk}'")
        received.append(recovered(url)["prediction_id"])
        readable(url, received)
        say("kill $pid; wait $pid || true")
    finally:
        shell.kill()
        shell.wait(20)
