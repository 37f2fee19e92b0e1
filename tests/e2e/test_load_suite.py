"""The load suite runs: a level against a real server, its table and its report."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from serving_factory import drawn, tiny_bundle

pytestmark = pytest.mark.slow  # starts a server and Locust

LEVELS = Path(__file__).parents[2] / "benchmarks" / "load_levels.py"


def test_a_level_runs_without_a_failure_and_leaves_its_report(tmp_path: Path) -> None:
    bundle, images, out = tiny_bundle(tmp_path / "bundle"), tmp_path / "images", tmp_path / "out"
    images.mkdir()
    for number in range(4):
        (images / f"{number}.jpg").write_bytes(drawn("nv", number))
    command = [sys.executable, str(LEVELS), "--bundle", str(bundle), "--images", str(images)]
    done = subprocess.run(
        [*command, "--seconds", "6", "--only", "normal,heavy", "--out", str(out)],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    logs = "".join(file.read_text()[-1500:] for file in out.glob("*.log"))
    assert done.returncode == 0, done.stdout + done.stderr + logs
    table = [
        line.strip("| ").split(" | ") for line in done.stdout.splitlines() if line.startswith(("| normal", "| heavy"))
    ]
    requests = {(row[0], row[2]): int(row[3]) for row in table}
    assert requests["normal", "predict"] > 5
    assert requests["heavy", "batch of 8"] > 0
    assert {row[-1] for row in table} == {"0"}  # failed
    for level in ("normal", "heavy"):
        assert "<html" in (out / f"{level}.html").read_text("utf-8")
