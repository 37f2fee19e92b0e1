"""A Postgres of one's own, which a test may stop and start."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest


def programs() -> Path | None:
    """The folder of initdb and pg_ctl."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name))
    on_path = shutil.which("initdb")
    return found[-1] if found else (Path(on_path).parent if on_path else None)


class PostgresServer:
    """A server in a throwaway folder; `url` is its address, without a database's name."""

    def __init__(self, folder: Path, bin_: Path) -> None:
        self._folder, self._bin = folder, bin_
        self._user = {}
        if os.geteuid() == 0:  # initdb refuses root
            try:
                account = pwd.getpwnam("postgres")
            except KeyError:
                account = pwd.getpwnam("nobody")
            os.chown(folder, account.pw_uid, account.pw_gid)
            self._user = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self.url = f"postgresql://app@127.0.0.1:{self._port}"
        self._run("initdb", "-U", "app", "-A", "trust", "--no-sync")

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = f"-p {self._port} -h 127.0.0.1 -k {self._folder} -c fsync=off"
        self._run("pg_ctl", "-w", "-l", str(self._folder / "log"), "-o", options, "start")

    def stop(self) -> None:
        """Stop it at once, as when its machine is switched off."""
        self._run("pg_ctl", "-m", "immediate", "stop")

    def _run(self, program: str, *options: str) -> None:
        subprocess.run(
            [str(self._bin / program), "-D", str(self._folder / "data"), *options],
            cwd=self._folder,
            env={**os.environ, "HOME": str(self._folder)},
            stdout=subprocess.DEVNULL,
            check=True,
            timeout=60,
            **self._user,
        )


@contextmanager
def postgres() -> Iterator[PostgresServer]:
    """A running server, or a skip that says what is missing."""
    found = programs()
    if found is None:
        pytest.skip("needs PostgreSQL's programs (Debian: apt install postgresql)")
    pytest.importorskip("psycopg", reason="needs nevus[postgres]")
    folder = Path(tempfile.mkdtemp(prefix="nevus-postgres-"))
    server = PostgresServer(folder, found)
    server.start()
    try:
        yield server
    finally:
        with suppress(subprocess.CalledProcessError):  # the test may have stopped it
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)
