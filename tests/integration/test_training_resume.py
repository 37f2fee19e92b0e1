"""A training that is killed in the middle of an epoch, and the same command again: the end is the same."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.torch import load_file

from nevus.training.worker import TrainingJob, train
from training_factory import drawn_job

# four trainings, three of them in processes of their own that import torch: a minute, and many on a busy machine
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

BATCHES = 6
"""Of an epoch: 48 training images in eights."""


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> TrainingJob:
    """Everything that could lose its place: two phases, sampler, EMA, two resolutions, accumulation with a rest."""
    return drawn_job(
        tmp_path_factory.mktemp("resume"),
        head_epochs=2,
        epochs=3,
        accumulate=4,
        workers=1,
        ema_decay=0.9,
        label_smoothing=0.05,
        mixup=0.4,
        imbalance={"sampler_power": 0.5, "logit_adjustment": 1.0},
        resolutions=[{"until": 0.6, "scale": 0.6667}],
        model={"frozen": 0.2},
    )


class Worker:
    """`python -m nevus.training.worker job.json`, and what it says."""

    def __init__(self, job: TrainingJob) -> None:
        job.output.mkdir(exist_ok=True)
        path = job.output / "job.json"
        path.write_text(job.model_dump_json())
        command = [sys.executable, "-m", "nevus.training.worker", str(path)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.first = 0

    def wait_for_batch(self, number: int) -> None:
        """Read on until so many batches, of the whole training, are done."""
        for line in self.process.stdout:
            done = json.loads(line)[0]
            self.first = self.first or done
            if done >= number:
                return
        pytest.fail(f"the training ended before batch {number}: {self.process.stderr.read()}")

    def end(self) -> int:
        """Read to the end; the exit code."""
        said, _ = self.process.communicate()
        self.first = self.first or json.loads(said.split("\n")[0])[0]
        return self.process.returncode


def without_nan(history: list[dict]) -> list[dict]:
    return [{k: None if v != v else v for k, v in entry.items()} for entry in history]


def test_a_training_killed_twice_in_mid_epoch_ends_where_the_uninterrupted_one_ends(job, tmp_path):
    whole = train(job.model_copy(update={"output": tmp_path / "whole"}))
    assert [entry["phase"] for entry in whole.history] == ["head"] * 2 + ["all"] * 3

    broken = job.model_copy(update={"output": tmp_path / "broken"})
    killed = Worker(broken)
    killed.wait_for_batch(BATCHES + 2)  # in the second epoch of the head's phase
    killed.process.send_signal(signal.SIGKILL)
    assert killed.process.wait() == -signal.SIGKILL

    abandoned = Worker(broken)
    abandoned.wait_for_batch(3 * BATCHES + 2)
    abandoned.process.stdout.close()  # whoever started it is gone: it mustn't write on beside its successor
    assert abandoned.process.wait() == 1
    assert abandoned.first == BATCHES + 1  # it went on at the epoch that was killed, not at the start
    assert not (broken.output / "weights.safetensors").exists()

    last = Worker(broken)
    assert last.end() == 0, last.process.stderr.read()
    assert last.first == 3 * BATCHES + 1

    history = json.loads((broken.output / "history.json").read_text())
    assert without_nan(history) == without_nan(whole.history)
    expected, found = load_file(whole.weights), load_file(broken.output / "weights.safetensors")
    assert all((found[name] == tensor).all() for name, tensor in expected.items())
    leftovers = {path.name for path in Path(broken.output / "checkpoints").iterdir()}
    assert leftovers == {"best.ckpt", "last.ckpt"}


def test_an_unusable_job_ends_with_its_message_and_the_code_of_bad_input(job, tmp_path):
    wrong = job.model_copy(
        update={"output": tmp_path / "wrong", "training": job.training.model_copy(update={"monitor": "acuracy"})}
    )
    worker = Worker(wrong)
    said, error = worker.process.communicate()
    assert worker.process.returncode == 2
    assert said == ""
    assert error.startswith("training.monitor: no metric 'acuracy'")
    assert "Traceback" not in error
