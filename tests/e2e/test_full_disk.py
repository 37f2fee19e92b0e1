"""A disk that fills up, for real: a small file system in memory, mounted where only the test's own processes see it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from nevus.pipeline.records import read_record
from tiny_run import STEPS, write_config

# processes of its own, two of which import torch
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

PRIVATE = ["unshare", "--user", "--map-root-user", "--mount"]
"""Runs a command that may mount, without being root and without anybody else noticing."""

SCRIPT = """
set -u
mount -t tmpfs -o size="$SIZE" none "$DISK" || exit 99
"$@"; echo $? > "$SAVED/first"
mkdir "$SAVED/full" && cp -a "$DISK/out/." "$SAVED/full/"
mount -o remount,size=64m "$DISK"
if [ "$STEP" = prepare ]; then "$1" -m nevus step "$STEP" --out "$DISK/out"; echo $? > "$SAVED/second"; fi
mkdir "$SAVED/done" && cp -a "$DISK/out/." "$SAVED/done/"
"""


@pytest.fixture(scope="module", autouse=True)
def can_mount() -> None:
    if shutil.which("unshare") is None or subprocess.run([*PRIVATE, "true"], check=False).returncode:
        pytest.skip("needs leave to mount a small file system of one's own (unshare --user --mount)")


@pytest.mark.parametrize(
    ("size", "step", "message"),
    [
        ("700k", "prepare", "error: there is no room left to write {out}/prepared/shard-"),
        ("5m", "train", "error: the disk that holds {out} filled up during step train."),
    ],
)
def test_it_stops_with_a_message_and_goes_on_once_there_is_room(
    tmp_path: Path, size: str, step: str, message: str
) -> None:
    disk, saved = tmp_path / "disk", tmp_path / "saved"
    disk.mkdir()
    saved.mkdir()
    config = write_config(tmp_path)
    command = [sys.executable, "-m", "nevus", "run", str(config), "--out", str(disk / "out")]
    environment = os.environ | {"SIZE": size, "DISK": str(disk), "SAVED": str(saved), "STEP": step}
    environment |= {"NEVUS_HOME": str(tmp_path / "home"), "OMP_NUM_THREADS": "1", "COLUMNS": "200"}
    done = subprocess.run(
        [*PRIVATE, "sh", "-c", SCRIPT, "sh", *command],
        env=environment,
        capture_output=True,
        text=True,
        timeout=1000,
        check=False,
    )
    said = " ".join(done.stderr.split())
    assert (saved / "first").read_text() == "1\n", said
    assert message.format(out=disk / "out") in said
    assert re.search("What was finished before stays usable[:.] (Free|make)", said)  # and what to do
    assert "Traceback" not in said
    finished = list(STEPS[: STEPS.index(step)])
    assert [name for name in STEPS if read_record(saved / "full", name) is not None] == finished
    if step == "train":  # how a training goes on is held by other tests
        return
    assert (saved / "second").read_text() == "0\n", said
    assert f"{step} (resumed)" in said
    assert read_record(saved / "done", step) is not None
    for name in finished:  # nothing was made twice
        assert read_record(saved / "done", name) == read_record(saved / "full", name)
