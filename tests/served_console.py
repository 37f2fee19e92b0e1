"""A real service and a real console in processes of their own, and a real browser to look at them."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from nevus.client import Client

PATIENCE = 90_000
"""Milliseconds that the browser waits; the machine may be busy."""


@dataclass
class ServedConsole:
    """Where both are, the keys by role, what they logged, and which requests left this host."""

    api: str
    page: str
    keys: dict[str, str]
    logs: Path
    outside: list[str] = field(default_factory=list)

    def client(self, role: str = "reader") -> Client:
        return Client(self.api, key=self.keys[role])

    def logged(self) -> str:
        return "".join(file.read_text("utf-8", "replace") for file in self.logs.iterdir())


@contextmanager
def served_console(home: Path, bundle: Path, logs: Path, *, roles: tuple[str, ...]) -> Iterator[ServedConsole]:
    """Start both; keys are made for `roles`, named after them."""
    logs.mkdir()
    keys = {role: _key(home, role) for role in roles}
    api, page = _addresses()
    port = api.rpartition(":")[2]
    commands = {
        "serve": ["--home", str(home), "--bundle", str(bundle), "--port", port, "--set", "rate_per_minute=100000"],
        "console": ["--api", api, "--port", page.rpartition(":")[2]],
    }
    processes = []
    try:
        for name, options in commands.items():
            with (logs / f"{name}.log").open("wb") as log:
                command = [sys.executable, "-m", "nevus", name, *options]
                processes.append(subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True))
        for url in (f"{api}/ready", f"{page}/_stcore/health"):
            _wait(url, logs)
        yield ServedConsole(api, page, keys, logs)
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(30)


def chromium() -> str:
    """The browser's program, or a skip."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("needs a Chromium on PATH (Debian: apt-get install chromium)")
    return found


def watch(page: Page, served: ServedConsole) -> Page:
    """Note every request of the page that goes elsewhere."""

    def note(url: str) -> None:
        if not url.startswith((served.page, served.page.replace("http", "ws"), "data:", "blob:")):
            served.outside.append(url)

    page.on("request", lambda request: note(request.url))
    page.on("websocket", lambda socket_: note(socket_.url))
    page.set_default_timeout(PATIENCE)
    return page


def settle(page: Page) -> None:
    """Wait until the page's script has run to its end, and say what went wrong in it."""
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=PATIENCE)
    expect(page.get_by_test_id("stException")).to_have_count(0)


def sign_in(page: Page, served: ServedConsole, role: str) -> None:
    page.goto(served.page)
    page.get_by_label("Your key").fill(served.keys[role])
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Overview")).to_be_visible(timeout=PATIENCE)
    settle(page)


def open_page(page: Page, title: str) -> None:
    """Go to a page by its link, as one does; a phone's menu is opened first."""
    link = page.get_by_test_id("stSidebarNavLink").filter(has_text=title)
    opener = page.get_by_test_id("stExpandSidebarButton")
    if opener.count() and opener.first.is_visible():
        opener.first.click()
    link.click()
    expect(page.get_by_role("heading", name=title, exact=True)).to_be_visible(timeout=PATIENCE)
    settle(page)


def _key(home: Path, role: str) -> str:
    command = [sys.executable, "-m", "nevus", "keys", "create", "--home", str(home), "--role", role, "--name"]
    done = subprocess.run([*command, f"the {role}"], capture_output=True, text=True, check=True, env=os.environ)
    return next(word for word in done.stdout.split() if word.startswith("nevus_"))


def _addresses() -> tuple[str, str]:
    """Two that are free, and not the same."""
    with socket.socket() as one, socket.socket() as other:
        for probe in (one, other):
            probe.bind(("127.0.0.1", 0))
        return _url(one), _url(other)


def _url(probe: socket.socket) -> str:
    return f"http://127.0.0.1:{probe.getsockname()[1]}"


def _wait(url: str, logs: Path) -> None:
    until = time.monotonic() + 120
    while not _answers(url):
        told = "".join(file.read_text("utf-8", "replace")[-2000:] for file in logs.iterdir())
        assert time.monotonic() < until, f"{url} doesn't answer:\n{told}"
        time.sleep(0.2)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except (urllib.error.URLError, OSError):
        return False
