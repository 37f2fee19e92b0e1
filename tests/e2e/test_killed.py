"""`kill -9` in the middle of any step, and the same command again: the end is that of a run that nobody disturbed."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from nevus.pipeline.records import read_record
from tiny_run import STEPS, Stalled, nevus, write_config

# ten processes, each of which imports what its step needs
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

HALTS = {
    "ingest": ("SYN_000030_1.jpg", 1),
    "check": ("duplicates.parquet", 1),
    "split": ("split.parquet", 1),
    "prepare": ("shard-00002.arrow", 1),
    "train": ("last.ckpt", 2),
    "evaluate": ("predictions.parquet", 1),
    "package": ("bundle", 1),
    "gate": ("report.html", 1),
    "register": ("registered.json", 1),
}
"""Step -> the file without which it is killed, and the how manieth of that name."""


def differences(a: Any, b: Any, where: str = "") -> list[str]:
    """Where two trees of results differ; figures may by 1e-6."""
    if isinstance(a, dict) and isinstance(b, dict):
        return [d for key in {**a, **b} for d in differences(a.get(key), b.get(key), f"{where}.{key}")]
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        return [d for n, pair in enumerate(zip(a, b, strict=True)) for d in differences(*pair, f"{where}[{n}]")]
    if isinstance(a, float) and isinstance(b, float) and (abs(a - b) <= 1e-6 or (a != a and b != b)):
        return []
    return [] if a == b else [f"{where}: {a} and {b}"]


def figures(out: Path) -> dict[str, object]:
    """The results, without what names this very run."""
    results = json.loads((out / "metrics.json").read_text())
    return {key: value for key, value in results.items() if key not in ("provenance", "test_openings", "seconds")}


def test_killed_in_every_step_in_turn_it_ends_where_an_undisturbed_run_ends(finished, tmp_path):
    config, out, home = write_config(tmp_path), tmp_path / "out", tmp_path / "home"
    command = ("run", config, "--out", out)
    for step, (name, times) in HALTS.items():
        run = Stalled(name, *command, home=home, trace=tmp_path / "trace", times=times)
        run.kill()
        done = [other for other in STEPS if read_record(out, other) is not None]
        assert done == list(STEPS[: STEPS.index(step)]), run.said
        if done:  # the step that was killed before went on from what it had
            assert f"{done[-1]} (resumed)" in run.said
            assert "took over" in run.said
    last = nevus(*command, "--json", home=home)
    assert last.code == 0
    outcome = json.loads(last.out)["steps"]
    assert {name: step["status"] for name, step in outcome.items()} == dict.fromkeys(STEPS, "skipped") | {
        "register": "done"
    }
    assert outcome["register"]["summary"]["version"] == "tiny/1"  # one version, though it was registered twice

    for table, others in (("manifest", ["uri"]), ("split", []), ("predictions", [])):
        mine, theirs = (pl.read_parquet(folder / f"{table}.parquet").drop(others) for folder in (out, finished.out))
        assert mine.columns == theirs.columns
        assert differences(mine.to_dicts(), theirs.to_dicts()) == [], table
    for name in ("history.json", "gate.json"):
        assert differences(*(json.loads((folder / name).read_text()) for folder in (out, finished.out))) == [], name
    assert differences(figures(out), figures(finished.out)) == []
    assert json.loads((out / "metrics.json").read_text())["test_openings"] == 2  # each look at the test part counts
    files = [{str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()} for folder in (out, finished.out)]
    assert files[0] == files[1]  # nothing half built was left


def test_a_live_run_keeps_a_second_one_out_and_a_dead_one_does_not(tmp_path):
    config, out, home = write_config(tmp_path), tmp_path / "out", tmp_path / "home"
    command = ("step", "ingest", "--config", config, "--out", out)
    first = Stalled("SYN_000030_1.jpg", *command, home=home, trace=tmp_path / "trace")
    try:
        before = time.monotonic()
        second = nevus(*command, home=home)
        assert second.code == 2
        assert f"{out} is being written to by process {first.process.pid} on " in second.err
        assert "Wait until it ends or stop it, or use another folder with --out" in second.err
        assert time.monotonic() - before < 10  # it doesn't wait
    finally:
        first.kill()
    third = nevus(*command, home=home)
    assert third.code == 0
    assert f"took over {out} from process {first.process.pid}" in third.err


def test_a_killed_run_is_not_continued_with_other_settings(tmp_path):
    config, out, home = write_config(tmp_path), tmp_path / "out", tmp_path / "home"
    command = ("step", "ingest", "--config", config, "--out", out)
    Stalled("SYN_000030_1.jpg", *command, home=home, trace=tmp_path / "trace").kill()
    drawn = len(list(out.rglob("*.jpg")))
    assert drawn > 0
    refused = nevus(*command, "--set", "split.seed=1", home=home)
    assert refused.code == 2
    assert "split.seed: 0 -> 1" in refused.err
    assert len(list(out.rglob("*.jpg"))) == drawn
