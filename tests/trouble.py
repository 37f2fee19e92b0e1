"""Asking a service that is in trouble, and the trouble itself: a disk of its own that a test may fill or lock."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from serve_process import free_port
from serving_factory import drawn, tiny_bundle

PRIVATE = ["unshare", "--user", "--map-root-user", "--mount"]
"""Runs a command that may mount, without being root and without anybody else noticing."""


def ask(
    url: str, method: str = "GET", data: bytes | None = None, *, wait: float = 60.0, kind: str = "image/jpeg"
) -> tuple[int, dict[str, Any]]:
    request = urllib.request.Request(url, data=data, headers={"Content-Type": kind}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=wait) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def predict(url: str, number: int = 0) -> tuple[int, dict[str, Any]]:
    return ask(f"{url}/v1/predictions", "POST", drawn("nv", number))


def label(url: str, prediction_id: str, number: int = 0) -> int:
    """The status of saying what its image shows."""
    said = {"prediction_id": prediction_id, "diagnosis": "nv", "note": str(number)}
    return ask(f"{url}/v1/labels", "POST", json.dumps(said).encode(), kind="application/json")[0]


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


class OwnDisk:
    """A shell in which file systems can be mounted that nobody else sees, and a service that runs there."""

    def __init__(self, folder: Path) -> None:
        self.disk = folder / "disk"
        self.disk.mkdir()
        self._folder, port = folder, free_port()
        self.url = f"http://127.0.0.1:{port}"
        self._serving = f"'{sys.executable}' -m nevus serve --home '{self.disk}/home' --port {port}"
        self._shell = subprocess.Popen(
            [*PRIVATE, "sh"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=(folder / "log").open("wb"),
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )

    def say(self, line: str) -> None:
        """Run a line of shell."""
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        self._shell.stdin.write(f"{line}\necho done $?\n".encode())
        self._shell.stdin.flush()
        assert self._shell.stdout.readline() == b"done 0\n", line

    def serve(self) -> None:
        """Start a service on the disk, and wait until it is ready."""
        bundle = tiny_bundle(self._folder / "bundle")
        self.say(f"{self._serving} --bundle '{bundle}' --set timeout_seconds=5 >/dev/null & pid=$!")
        ends = time.monotonic() + 60
        while True:
            try:
                if ask(f"{self.url}/ready", wait=5)[0] == 200:
                    return
            except OSError:
                pass
            assert time.monotonic() < ends, (self._folder / "log").read_text()
            time.sleep(0.1)

    def close(self) -> None:
        """End the service, then the shell."""
        try:
            self.say("kill $pid; wait $pid || true")
        finally:
            self._shell.kill()
            self._shell.wait(20)


@contextmanager
def own_disk(folder: Path) -> Iterator[OwnDisk]:
    """A disk of one's own, or a skip that says what is missing."""
    if shutil.which("unshare") is None or subprocess.run([*PRIVATE, "true"], check=False).returncode:
        pytest.skip("needs leave to mount a small file system of one's own (unshare --user --mount)")
    made = OwnDisk(folder)
    try:
        yield made
    finally:
        made.close()
