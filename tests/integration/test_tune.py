"""`nevus tune`: killed and started again, what it searches by, and what it leaves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import optuna
import polars as pl
import pytest
import yaml
from typer.testing import CliRunner

from nevus.cli import app
from nevus.pipeline.loading import load_settings
from nevus.pipeline.settings import RunSettings

# processes of their own that import torch, and trainings of a few seconds
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

RATE = "training.optimiser.learning_rate"
SETTINGS = {
    "name": "tuned",
    "data": {"source": "synthetic", "synthetic": {"lesions": 80, "width": 80, "height": 64}},
    "duplicates": {"near": False},
    "prepare": {"short_side": 56, "workers": 1},
    "model": {"backbone": "test_resnet", "weights": "none", "height": 48, "width": 64},
    "training": {"head_epochs": 0, "epochs": 2, "batch_size": 8, "workers": 0, "threads": 1},
    "tuning": {
        "trials": 3,
        "space": {RATE: {"low": 1e-3, "high": 1e-2, "log": True}},
        "objective": "malignant_auroc",
        "floors": {"melanoma_recall": 0.0},
        "startup_trials": 3,
    },
}


def start(place: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "nevus", "tune", str(place / "settings.yaml"), "--out", str(place / "out")]
    return subprocess.Popen(
        [*command, *arguments],
        env=os.environ | {"NEVUS_HOME": str(place / "home")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def trials(place: Path) -> list[optuna.trial.FrozenTrial]:
    return optuna.load_study(study_name="tuned", storage=f"sqlite:///{place / 'out' / 'study.db'}").trials


def test_a_killed_search_tries_the_same_again_and_ends_with_settings_to_run(tmp_path):
    (tmp_path / "settings.yaml").write_text(yaml.safe_dump(SETTINGS))
    killed = start(tmp_path, "--set", "training.label_smoothing=0.1")
    checkpoint = tmp_path / "out" / "trials" / "1" / "checkpoints" / "last.ckpt"
    while not checkpoint.exists():  # the second trial, after its first epoch
        assert killed.poll() is None, killed.stderr.read()
        time.sleep(0.01)
    killed.send_signal(signal.SIGKILL)
    assert killed.wait() == -signal.SIGKILL, killed.stderr.read()
    assert [t.state.name for t in trials(tmp_path)] == ["COMPLETE", "RUNNING"]

    again = start(tmp_path, "--set", "training.label_smoothing=0.1", "--json")
    said, told = again.communicate()
    assert again.returncode == 0, told
    found = json.loads(said)
    stored = trials(tmp_path)
    assert [t.state.name for t in stored] == ["COMPLETE", "FAIL", "COMPLETE", "COMPLETE"]
    assert stored[2].params == stored[1].params
    assert (found["trials"], found["pruned"], found["feasible"]) == (3, 0, True)

    best = max((t for t in stored if t.state.name == "COMPLETE"), key=lambda t: t.value)
    assert (found["number"], found["values"]) == (best.number, best.params)
    out = tmp_path / "out"
    history = json.loads((out / "trials" / str(best.number) / "history.json").read_text())
    chosen = max(history, key=lambda entry: entry["validation_balanced_accuracy"])
    assert found["score"] == chosen["validation_malignant_auroc"]

    assert set(pl.read_parquet(out / "rows.parquet")["split"]) == {"train", "validation"}
    assert set(pl.read_parquet(out / "data" / "split.parquet")["split"]) == {"train", "validation", "test"}
    assert list(out.glob("trials/*/checkpoints")) == []

    ready = load_settings(RunSettings, out / "found.yaml", environment={})
    assert ready.training.optimiser.learning_rate == best.params[RATE]
    assert ready.training.label_smoothing == 0.1  # as on the command line
    assert (ready.training.epochs, ready.name, ready.data.synthetic.lesions) == (2, "tuned", 80)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("tuning.space={training.epoch: {low: 1, high: 2}}", "did you mean 'training.epochs'?"),
        ("tuning.space={training.label_smoothing: {low: 0, high: 2}}", "training.label_smoothing: Input should be"),
        ("tuning.space={prepare.short_side: {choices: [40]}}", "only those of model and training can be tried"),
        ("tuning.objektive=nll", "there is no setting 'tuning.objektive'; did you mean 'tuning.objective'?"),
        ("model.backbone=test_resnett", "did you mean test_resnet"),
        ("tuning.space={model.backbone: {choices: [test_resnet, test_vitt]}}", "timm has no model 'test_vitt'"),
        ("tuning.objective=acuracy", "no metric acuracy; choose among accuracy, balanced_accuracy"),
    ],
)
def test_a_search_that_can_not_be_is_refused_before_anything_is_written(tmp_path, change, message):
    (tmp_path / "settings.yaml").write_text(yaml.safe_dump(SETTINGS))
    out = tmp_path / "out"
    result = CliRunner(env={"NEVUS_HOME": str(tmp_path / "home"), "COLUMNS": "200"}).invoke(
        app, ["tune", str(tmp_path / "settings.yaml"), "--out", str(out), "--set", change]
    )
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())
    assert not out.exists()
