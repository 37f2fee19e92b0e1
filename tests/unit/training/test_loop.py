"""The loop: the best epoch is kept, stopping knows the direction, interruptions and restarts change nothing."""

from __future__ import annotations

import errno
import json
import os
import signal

import polars as pl
import pytest
import torch
from safetensors.torch import load_file

from nevus.data.prepare import PreparedImages
from nevus.errors import InputError
from nevus.training import module
from nevus.training.callbacks import TrainingError
from nevus.training.checkpoints import WholeFiles
from nevus.training.dataset import FramedImages
from nevus.training.examples import make_examples
from nevus.training.scores import WATCHED, validation_scores
from nevus.training.settings import TrainingSettings
from nevus.training.worker import TrainingJob, build_network, train
from training_factory import drawn_job

EPOCHS = 6


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> TrainingJob:
    return drawn_job(tmp_path_factory.mktemp("loop"), groups=18)


def with_settings(drawn: TrainingJob, output, model=None, **training) -> TrainingJob:
    plain = {"head_epochs": 0, "epochs": EPOCHS, "batch_size": 8, "workers": 0, "threads": 1, **training}
    return drawn.model_copy(
        update={
            "output": output,
            "training": TrainingSettings.model_validate(plain),
            "model": drawn.model.model_copy(update=model or {}),
        }
    )


@pytest.fixture
def scripted(monkeypatch):
    """Validation metrics that follow a script: every watched metric takes the next value of the list."""

    def follow(values):
        left = iter(values)

        def scores(*_):
            value = next(left)
            return dict.fromkeys(WATCHED, value)

        monkeypatch.setattr(module, "validation_scores", scores)

    return follow


def epoch_of_weights(job: TrainingJob) -> int:
    return torch.load(job.output / "checkpoints" / "best.ckpt", weights_only=True)["epoch"]


@pytest.mark.parametrize(
    ("monitor", "values", "best"),
    [
        ("balanced_accuracy", [0.3, 0.8, 0.5, 0.8, 0.7, 0.2], 1),
        ("nll", [0.9, 0.8, 0.5, 0.8, 0.7, 0.6], 2),
        ("nll", [0.9, float("nan"), 0.95, 0.8, 0.85, float("nan")], 3),
        ("macro_auroc", [float("nan"), 0.4, 0.3, float("nan"), 0.3, 0.2], 1),
    ],
)
def test_the_best_epoch_is_kept_not_the_last(drawn, tmp_path, scripted, monitor, values, best):
    scripted(values)
    job = with_settings(drawn, tmp_path, monitor=monitor)
    trained = train(job)
    assert len(trained.history) == EPOCHS
    assert trained.best["epoch"] == best
    assert epoch_of_weights(job) == best
    saved = torch.load(job.output / "checkpoints" / "best.ckpt", weights_only=True)["state_dict"]
    weights = load_file(trained.weights)
    assert all(torch.equal(weights[name.removeprefix("network.")], value) for name, value in saved.items())
    assert torch.load(job.output / "checkpoints" / "last.ckpt", weights_only=True)["epoch"] == EPOCHS - 1


@pytest.mark.parametrize(
    ("monitor", "values", "epochs"),
    [
        ("balanced_accuracy", [0.3, 0.5, 0.4, 0.5, 0.9, 0.9], 4),  # 0.5 again is no improvement
        ("nll", [0.9, 0.8, 0.85, 0.82, 0.1, 0.1], 4),  # the opposite direction: lower is better
        ("nll", [0.3, 0.5, 0.4, 0.5, 0.9, 0.9], 3),  # what would go on for ever if higher were better
        ("balanced_accuracy", [0.1, 0.2, 0.3, 0.4, 0.5, 0.6], EPOCHS),
    ],
)
def test_stopping_early_knows_which_way_is_better(drawn, tmp_path, scripted, monitor, values, epochs):
    scripted(values)
    trained = train(with_settings(drawn, tmp_path, monitor=monitor, patience=2))
    assert len(trained.history) == epochs


def test_a_stopped_training_stays_stopped_when_it_is_taken_up_again(drawn, tmp_path, scripted):
    """As after a kill between the last epoch and the export."""
    scripted([0.5, 0.4, 0.3])  # a fourth epoch would find the script at its end
    job = with_settings(drawn, tmp_path, patience=2)
    first = train(job)
    heard = []
    again = train(job, lambda *told: heard.append(told))
    assert heard == []
    assert (again.history, again.best) == (first.history, first.best)


def test_a_finished_training_is_not_trained_again(drawn, tmp_path, scripted):
    scripted([0.5, 0.6])
    job = with_settings(drawn, tmp_path, epochs=2)
    first = train(job)
    expected = first.weights.read_bytes()
    first.weights.unlink()
    heard = []
    again = train(job, lambda *told: heard.append(told))
    assert heard == []
    assert (again.history, again.best) == (first.history, first.best)
    assert again.weights.read_bytes() == expected


@pytest.mark.parametrize("ema", [None, 0.8])
def test_the_saved_weights_are_those_that_were_judged(drawn, tmp_path, ema):
    job = with_settings(drawn, tmp_path, epochs=3, monitor="nll", ema_decay=ema)
    trained = train(job)
    rows = pl.read_parquet(job.manifest).filter(pl.col("split") == "validation")
    part = make_examples(rows, job.targets, job.metadata, part="validation")
    network = build_network(job)
    network.load_state_dict(load_file(trained.weights), strict=False)
    network.eval()
    framed = FramedImages(part, PreparedImages.open(job.prepared).pixels_of, job.model)
    items = [framed[row] for row in range(len(part))]
    with torch.no_grad():
        logits = network(torch.stack([i[0] for i in items]), torch.stack([i[1] for i in items])).numpy()
    again = validation_scores(logits, part.labels, part.groups, job.targets)
    assert trained.best["validation_nll"] == pytest.approx(again["nll"], abs=1e-5)
    assert trained.best["validation_nll"] == min(e["validation_nll"] for e in trained.history)


def test_in_the_first_phase_only_the_head_learns(drawn, tmp_path, scripted):
    scripted([0.1, 0.9, 0.1])  # the best is the last epoch of the head's phase
    job = with_settings(drawn, tmp_path, head_epochs=2, epochs=1)
    trained = train(job)
    assert [entry["phase"] for entry in trained.history] == ["head", "head", "all"]
    before, after = build_network(job).state_dict(), load_file(trained.weights)
    moved = {name for name, value in after.items() if not torch.equal(value, before[name])}
    assert moved == {"image_fc.weight", "image_fc.bias", "metadata_fc.weight"}


def test_frozen_stages_come_out_as_they_went_in(drawn, tmp_path, scripted):
    scripted([0.1, 0.9])
    job = with_settings(drawn, tmp_path, {"frozen": 0.5}, epochs=2, ema_decay=0.5)
    before, after = build_network(job).state_dict(), load_file(train(job).weights)
    kept = {name.split(".")[1] for name in after if torch.equal(after[name], before[name])}
    assert kept == {"conv1", "bn1", "layer1"}
    assert {n.split(".")[1] for n in after if n.startswith("backbone.")} - kept == {"layer2", "layer3", "layer4"}


def test_the_learning_rate_warms_up_and_falls_over_both_phases(drawn, tmp_path):
    job = with_settings(drawn, tmp_path, head_epochs=1, epochs=2, accumulate=2, optimiser={"warmup_share": 0.4})
    trained = train(job)
    steps = 6  # 28 training images: 3 batches an epoch, 2 steps
    rates = [job.training.optimiser.factor_at(2 * (epoch + 1), steps) * 1e-3 for epoch in range(3)]
    assert [e["learning_rate"] for e in trained.history] == pytest.approx(rates)


def test_progress_is_told_batch_by_batch_and_epoch_by_epoch(drawn, tmp_path):
    heard = []
    trained = train(with_settings(drawn, tmp_path, epochs=2), lambda *told: heard.append(told))
    batches = [(done, total) for done, total, entry in heard if entry is None]
    assert batches == [(n, batches[-1][0]) for n in range(1, batches[-1][0] + 1)]
    assert [entry for _, _, entry in heard if entry] == trained.history


class Stop(Exception):
    pass


@pytest.mark.parametrize("how", [KeyboardInterrupt, Stop])
def test_an_interrupted_training_says_so_and_goes_on_to_the_same_end(drawn, tmp_path, how):
    settings = {"epochs": 3, "ema_decay": 0.9, "monitor": "nll"}
    whole = train(with_settings(drawn, tmp_path / "whole", **settings))
    before = signal.getsignal(signal.SIGINT)

    def interrupt(done, total, entry):
        if done == total // 2:
            raise how

    job = with_settings(drawn, tmp_path / "broken", **settings)
    with pytest.raises(how):  # not SystemExit, which the command line would take for its own
        train(job, interrupt)
    assert signal.getsignal(signal.SIGINT) is before
    resumed = train(job)
    assert json.dumps(resumed.history) == json.dumps(whole.history)
    expected, found = load_file(whole.weights), load_file(resumed.weights)
    assert all(torch.equal(found[name], value) for name, value in expected.items())


def test_a_request_to_terminate_is_no_success(drawn, tmp_path):
    job = with_settings(drawn, tmp_path, epochs=2)
    with pytest.raises(KeyboardInterrupt):
        train(job, lambda done, *_: os.kill(os.getpid(), signal.SIGTERM) if done == 2 else None)


def test_on_a_plateau_no_epoch_is_lost(drawn, tmp_path, scripted):
    """The best is long ago, and the last epoch's checkpoint is there all the same."""
    scripted([0.9, 0.1, 0.1, 0.1, 0.1, 0.1])

    def stop(done, total, entry):
        if entry and entry["epoch"] == 4:
            raise Stop

    job = with_settings(drawn, tmp_path)
    with pytest.raises(Stop):
        train(job, stop)
    folder = tmp_path / "checkpoints"
    assert [torch.load(folder / f"{n}.ckpt", weights_only=True)["epoch"] for n in ("best", "last")] == [0, 3]


def test_a_loss_that_is_no_number_ends_the_training_with_the_remedy(drawn, tmp_path):
    with pytest.raises(TrainingError, match=r"the loss became .* in epoch 0.*learning_rate"):
        train(with_settings(drawn, tmp_path, epochs=1, optimiser={"learning_rate": 1e30, "gradient_clip": None}))


def test_a_metric_that_is_never_a_number_ends_the_training_with_the_remedy(drawn, tmp_path, scripted):
    scripted([float("nan")] * 2)
    with pytest.raises(TrainingError, match=r"balanced_accuracy was never a number.*training\.monitor"):
        train(with_settings(drawn, tmp_path, epochs=2))


def test_an_unknown_metric_is_refused_with_the_known_ones(drawn, tmp_path):
    with pytest.raises(InputError, match=r"no metric 'acuracy'; choose one of accuracy, balanced_accuracy"):
        train(with_settings(drawn, tmp_path, monitor="acuracy"))


def test_a_full_disk_leaves_the_checkpoint_that_was_there(tmp_path, monkeypatch):
    path = tmp_path / "last.ckpt"
    WholeFiles().save_checkpoint({"epoch": 1}, path)

    def no_room(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_room)
    with pytest.raises(OSError, match="No space left"):
        WholeFiles().save_checkpoint({"epoch": 2}, path)
    assert torch.load(path, weights_only=True) == {"epoch": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["last.ckpt"]


def test_the_average_warms_up():
    from nevus.training.callbacks import WarmAverage

    average = WarmAverage(0.9)
    old, new = torch.tensor([1.0]), torch.tensor([2.0])
    # after n averages the decay is min(0.9, (1 + n) / (10 + n)): 0.5 at n = 8, 0.9 from n = 80
    assert average(old, new, 8).item() == pytest.approx(1.5)
    assert average(old, new, 80).item() == pytest.approx(1.1)
    assert average(old, new, 5000).item() == pytest.approx(1.1)
    assert average(torch.tensor(3), torch.tensor(7), 5000).item() == 7


def test_the_task_is_learnt(tmp_path):
    """Blots of three kinds, a few epochs: far above the third that guessing gets, and not in one lucky epoch."""
    job = drawn_job(tmp_path, groups=60, epochs=8, optimiser={"learning_rate": 3e-3}, ema_decay=0.9)
    history = train(job).history
    assert min(entry["validation_balanced_accuracy"] for entry in history[-2:]) >= 0.9
    assert history[-1]["train_loss"] < 0.3 * history[0]["train_loss"]
