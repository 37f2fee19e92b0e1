"""The main job at its smallest: sixty drawn lesions of two kinds, a network of 0.4 million weights, two epochs."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from typer.testing import CliRunner

import stalling_nevus
from nevus.cli import app

CONFIG: dict[str, Any] = {
    "name": "tiny",
    "data": {
        "source": "synthetic",
        "synthetic": {
            "lesions": 60,
            "images_per_lesion": 1.2,
            "lesions_per_patient": 1.2,
            "width": 80,
            "height": 64,
            "difficulty": 0.0,
            "classes": {"nv": 1, "mel": 1},
        },
        "check": {"workers": 1},
    },
    "duplicates": {"near": False},
    "prepare": {"short_side": 48, "encoding": "raw", "images_per_shard": 16, "workers": 1},
    "model": {"backbone": "test_resnet", "weights": "none", "height": 32, "width": 40}
    | {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]},
    "training": {"head_epochs": 0, "epochs": 2, "batch_size": 8, "workers": 0, "threads": 1},
    "novelty": {"images": 40, "drawn": 1, "made": 5},
    "evaluation": {"replicates": 20},
    "tracking": {"enabled": False},
}
STEPS = ("ingest", "check", "split", "prepare", "train", "evaluate", "package", "gate", "register")


def policy(threshold: float) -> str:
    """A policy of one rule: the share of test images called rightly."""
    rule = {"id": "accuracy", "description": "Enough is right.", "metric": "accuracy", "subset": "test"}
    rule |= {"bound": "value", "comparison": ">=", "threshold": threshold}
    return yaml.safe_dump({"name": "one-rule", "description": "One rule.", "rules": [rule]})


def write_config(folder: Path, *, threshold: float = 1.1, **sections: Any) -> Path:
    """`folder/tiny.yaml`, with its policy beside it; by default one that nothing passes."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "policy.yaml").write_text(policy(threshold))
    content = CONFIG | {"gate": {"policy": str(folder / "policy.yaml")}} | sections
    (folder / "tiny.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    return folder / "tiny.yaml"


@dataclass(frozen=True)
class Done:
    """A command that has ended. `err` has its line breaks taken out: the terminal's width decides where they are."""

    code: int
    out: str
    err: str


def nevus(*arguments: object, home: Path, **environment: str) -> Done:
    """Run a command in this process."""
    variables = {"NEVUS_HOME": str(home), "COLUMNS": "200", "NEVUS_BUNDLE": ""} | environment
    result = CliRunner(env=variables).invoke(app, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Done(result.exit_code, result.stdout, " ".join(result.stderr.split()))


class Stalled:
    """A command in a process of its own, halted just before `name` was there for the `times`-th time."""

    def __init__(self, name: str, *arguments: object, home: Path, trace: Path, times: int = 1) -> None:
        trace.unlink(missing_ok=True)
        command = [sys.executable, stalling_nevus.__file__, name, str(times), str(trace), "--", *map(str, arguments)]
        variables: Mapping[str, str] = os.environ | {"NEVUS_HOME": str(home), "COLUMNS": "200", "OMP_NUM_THREADS": "1"}
        self._log = trace.with_suffix(".log")
        with self._log.open("w") as said:
            self.process = subprocess.Popen(command, env=variables, stdout=said, stderr=said)
        while not trace.exists():
            if self.process.poll() is not None:
                raise AssertionError(f"it ended before {name} was there:\n{self.said}")
            time.sleep(0.02)

    @property
    def said(self) -> str:
        """What it has printed."""
        return self._log.read_text()

    def kill(self) -> None:
        """As `kill -9`."""
        self.process.kill()
        self.process.wait()
