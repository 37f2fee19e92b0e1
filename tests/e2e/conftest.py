"""One whole run for all tests that only look at it, and one console over it for a browser."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from served_console import ServedConsole, chromium, served_console, watch
from tiny_run import Done, nevus, write_config

ROLES = ("reader", "clinician", "operator", "admin")
# Chromium's own camera: a green picture that moves.
CAMERA = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")


@dataclass(frozen=True)
class Run:
    """A run through all steps: its settings, its output folder, its home, and what it printed."""

    config: Path
    out: Path
    home: Path
    first: Done

    def again(self, *options: object, **environment: str) -> Done:
        """The same command once more."""
        return nevus("run", self.config, "--out", self.out, *options, home=self.home, **environment)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Nobody may write into it."""
    root = tmp_path_factory.mktemp("finished")
    config = write_config(root)
    done = nevus("run", config, "--out", root / "out", home=root / "home")
    assert done.code == 0, done.err
    return Run(config, root / "out", root / "home", done)


@pytest.fixture
def copied(finished: Run, tmp_path: Path) -> Run:
    """The same run, to go on with: folder, home and policy are copies, times of change included."""
    config = write_config(tmp_path)
    shutil.copytree(finished.out, tmp_path / "out")
    shutil.copytree(finished.home, tmp_path / "home")
    kept = tmp_path / "out" / "steps" / "settings.json"
    kept.write_text(kept.read_text().replace(str(finished.config.parent), str(tmp_path)))
    return replace(finished, config=config, out=tmp_path / "out", home=tmp_path / "home")


@pytest.fixture(scope="session")
def served(finished: Run, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedConsole]:
    """Service and console with the run's bundle and registry; a key for each role."""
    chromium()
    root = tmp_path_factory.mktemp("console")
    shutil.copytree(finished.home, root / "home")
    with served_console(root / "home", finished.out / "bundle", root / "logs", roles=ROLES) as found:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Not for the session: as long as Playwright runs, so does its event loop, and no other test may start one."""
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox", *CAMERA])
        yield found
        found.close()


@pytest.fixture
def page(browser: Browser, served: ServedConsole) -> Iterator[Page]:
    context = browser.new_context(
        viewport={"width": 1280, "height": 1400}, accept_downloads=True, reduced_motion="reduce"
    )
    yield watch(context.new_page(), served)
    context.close()


@pytest.fixture(scope="session")
def pictures(finished: Run) -> list[Path]:
    """Images of the run, each in a file; a test that labels one takes it from further behind."""
    return [Path(uri) for uri in pl.read_parquet(finished.out / "manifest.parquet")["uri"][:20]]
