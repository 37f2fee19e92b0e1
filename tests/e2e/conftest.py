"""One whole run for all tests that only look at it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tiny_run import Done, nevus, write_config


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
