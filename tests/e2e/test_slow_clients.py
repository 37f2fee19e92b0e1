"""Clients that dawdle or never end, on every kind of body: they are let go, and nobody waits for them."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from http.client import HTTPResponse

import pytest

from serve_process import ServeProcess, serve
from serving_factory import tiny_bundle
from trouble import ask, predict, recovered

pytestmark = pytest.mark.slow  # each test starts a server

TIMEOUT = 2.0
LATEST = 1.5
"""Seconds that a busy machine may take beyond the time that was set."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServeProcess]:
    tmp_path = tmp_path_factory.mktemp("slow")
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


def status(connection: socket.socket) -> int:
    """Of the next answer, which is read to its end."""
    answer = HTTPResponse(connection)
    answer.begin()
    answer.read()
    return answer.status


def announced(path: str, kind: str, length: int) -> bytes:
    """The head of a request whose body is so long."""
    return (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


FORM = "multipart/form-data; boundary=b"


def part(field: str) -> bytes:
    """The beginning of a form's file."""
    return f'--b\r\nContent-Disposition: form-data; name="{field}"; filename="a"\r\n\r\n'.encode()


@pytest.mark.parametrize("chunked", [False, True], ids=["announced", "chunked"])
@pytest.mark.parametrize(
    ("method", "path", "kind", "begin"),
    [
        ("POST", "/v1/predictions", "image/jpeg", b"\xff\xd8\xff"),
        ("POST", "/v1/predictions", FORM, part("image")),
        ("POST", "/v1/predictions", FORM, b"--b\r\nContent-Disp"),
        ("POST", "/v1/predictions", "application/json", b'{"image": "'),
        ("POST", "/v1/predictions/batch", FORM, part("images")),
        ("POST", "/v1/labels", "application/json", b'{"note": "'),
        ("POST", "/v1/labels/bulk", FORM, part("table")),
        ("POST", "/v1/labels/bulk", "text/csv", b"prediction_id,diagnosis\n"),
        ("POST", "/v1/samples", FORM, part("archive")),
        ("PUT", "/v1/rollout", "application/json", b'{"model": "'),
        ("POST", "/v2/models/tiny/infer", "application/json", b'{"inputs": ['),
    ],
)
def test_a_body_that_dawdles_is_answered_408_whatever_it_is(
    server: ServeProcess, method: str, path: str, kind: str, begin: bytes, *, chunked: bool
) -> None:
    framing = "Transfer-Encoding: chunked" if chunked else "Content-Length: 90000"
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n{framing}\r\n\r\n".encode()
    with closing(connect(server)) as slow:
        slow.sendall(head + (b"%x\r\n%b\r\n" % (len(begin), begin) if chunked else begin))
        took, said = seconds_until_closed(slow, b"1\r\nx\r\n" if chunked else b"x")
    assert said.startswith(b"HTTP/1.1 408"), said
    assert TIMEOUT * 0.8 < took < TIMEOUT + LATEST
    document = json.loads(said.partition(b"\r\n\r\n")[2])
    assert document.get("status") == 408 or "error" in document  # /v2 has errors of its own


def test_the_rest_of_a_body_that_was_refused_is_not_waited_for_longer(server: ServeProcess) -> None:
    head = announced("/v1/predictions/batch", "text/csv", 90000)
    with closing(connect(server)) as slow:
        slow.sendall(head)
        took, said = seconds_until_closed(slow, b"x")
    assert said.startswith(b"HTTP/1.1 415"), said
    assert took < TIMEOUT + LATEST


def test_a_connection_whose_refused_body_came_to_its_end_goes_on_serving(server: ServeProcess) -> None:
    head = announced("/v1/predictions/batch", "text/csv", 10)
    with closing(connect(server)) as patient:
        patient.sendall(head)
        assert status(patient) == 415
        patient.sendall(bytes(10))
        time.sleep(TIMEOUT + LATEST)
        patient.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert status(patient) == 200


def test_clients_that_dawdle_are_let_go_and_nobody_waits_for_them(server: ServeProcess) -> None:
    head = announced("/v1/predictions", "image/jpeg", 90000)
    with closing(connect(server)) as slow:
        took, said = seconds_until_closed(slow, b"G")
        assert took < TIMEOUT + LATEST
    with closing(connect(server)) as silent:
        took, said = seconds_until_closed(silent, b"")
        assert (said, took < TIMEOUT + LATEST) == (b"", True)
    with closing(connect(server)) as second:  # the head of a second request
        second.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
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


def endless(server: ServeProcess, begin: bytes, piece: bytes) -> int:
    """How many bytes of an endless request the server takes before it closes the connection."""
    with closing(connect(server)) as connection:
        connection.sendall(begin)
        sent = 0
        with suppress(OSError):
            while sent < 2_000_000_000:
                connection.sendall(piece)
                sent += len(piece)
    return sent


CHUNK = b"10000\r\n" + bytes(0x10000) + b"\r\n"


@pytest.mark.parametrize(
    ("head", "headers"),
    [
        ("POST /v1/predictions", "Content-Type: image/jpeg\r\n"),
        ("POST /v1/predictions", "Content-Type: image/jpeg\r\nAuthorization: Bearer unknown\r\n"),
        ("POST /v1/predictions", "Content-Type: text/plain\r\n"),
        ("POST /v1/labels", "Content-Type: application/json\r\n"),
        ("POST /nowhere", ""),
        ("GET /health", ""),
    ],
    ids=["an image", "no key", "no kind", "small", "nowhere", "of nobody"],
)
def test_an_endless_body_is_cut_off_whether_it_is_wanted_or_was_refused(
    server: ServeProcess, head: str, headers: str
) -> None:
    begin = f"{head} HTTP/1.1\r\nHost: localhost\r\n{headers}Transfer-Encoding: chunked\r\n\r\n"
    # The limit is 20 MB; what was on its way comes on top. The time alone would let gigabytes through.
    assert endless(server, begin.encode(), CHUNK) < 60_000_000
    assert predict(server.url)[0] == 200


@pytest.mark.parametrize(
    "begin", [b"GET /", b"GET / HTTP/1.1\r\nX-A: ", b"GET / HTTP/1.1\r\nX"], ids=["url", "value", "name"]
)
def test_an_endless_head_is_cut_off(server: ServeProcess, begin: bytes) -> None:
    assert endless(server, begin, b"a" * 0x10000) < 20_000_000
    assert predict(server.url)[0] == 200


def test_an_answer_reaches_who_still_sends_a_large_body_that_was_refused(server: ServeProcess) -> None:
    with closing(connect(server)) as large:
        large.sendall(announced("/v1/predictions", "text/plain", 15_000_000))
        large.sendall(bytes(15_000_000))
        assert status(large) == 415
