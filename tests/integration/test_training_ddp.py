"""Two processes train one network: each validation image counts once, and a killed training goes on."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
import torch
from safetensors.torch import load_file

from nevus.data.prepare import PreparedImages
from nevus.errors import InputError
from nevus.training.dataset import FramedImages
from nevus.training.examples import make_examples
from nevus.training.scores import validation_scores
from nevus.training.worker import TrainingJob, build_network, train
from training_factory import drawn_job

# three trainings of two processes each, which all import torch: over a minute, and many on a busy machine
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> TrainingJob:
    """65 validation images: the first rank has two batches of up to 32, the second would have one."""
    folder = tmp_path_factory.mktemp("ddp")
    job = drawn_job(folder, groups=138, head_epochs=1, epochs=2, batch_size=16, devices=2, ema_decay=0.8, workers=1)
    rows = pl.read_parquet(job.manifest)
    surplus = rows.filter(pl.col("split") == "validation")["image_id"][65:].implode()
    rows = rows.filter(~pl.col("image_id").is_in(surplus))
    assert rows.filter(pl.col("split") == "validation").height == 65
    rows.write_parquet(job.manifest)
    return job


def judge_again(job: TrainingJob, weights) -> dict[str, float]:
    """The validation metrics of saved weights, in this one process, over every image once."""
    part = make_examples(
        pl.read_parquet(job.manifest).filter(pl.col("split") == "validation"), job.targets, job.metadata, part="v"
    )
    network = build_network(job)
    network.load_state_dict(load_file(weights), strict=False)
    network.eval()
    framed = FramedImages(part, PreparedImages.open(job.prepared).pixels_of, job.model)
    with torch.no_grad():
        items = [framed[row] for row in range(len(part))]
        logits = network(torch.stack([i[0] for i in items]), torch.stack([i[1] for i in items])).numpy()
    return validation_scores(logits, part.labels, part.groups, job.targets)


def test_two_processes_train_one_network_and_resume(job, tmp_path):
    heard: list[tuple] = []
    whole_job = job.model_copy(update={"output": tmp_path / "whole"})
    whole = train(whole_job, lambda *told: heard.append(told))
    assert [e["epoch"] for e in whole.history] == [0, 1, 2]
    assert whole.history[-1]["train_loss"] < whole.history[0]["train_loss"]

    # progress and each epoch's metrics come across the processes
    assert [entry for _, _, entry in heard if entry] == whole.history
    batches = [done for done, _, entry in heard if entry is None]
    assert batches == list(range(1, batches[-1] + 1))
    assert heard[-1][1] == batches[-1]

    # nll over the 65 images: with one counted twice or left out it would differ in the third digit
    again = judge_again(whole_job, whole.weights)
    assert whole.best["validation_nll"] == pytest.approx(again["nll"], abs=1e-5)
    assert whole.best["validation_malignant_auroc"] == pytest.approx(again["malignant_auroc"], abs=1e-6)

    class Killed(Exception):
        pass

    def kill(done: int, total: int, entry: object) -> None:
        if done > total // 3 + 1:
            raise Killed

    broken_job = job.model_copy(update={"output": tmp_path / "broken"})
    with pytest.raises(Killed):
        train(broken_job, kill)  # SIGKILL to all its processes, in the middle of the second epoch
    first: list[int] = []
    broken = train(broken_job, lambda done, *_: first.append(done))
    assert first[0] == whole_total(heard) // 3 + 1
    for one, other in zip(whole.history, broken.history, strict=True):
        assert one == pytest.approx(other, abs=1e-6, nan_ok=True)
    expected, found = load_file(whole.weights), load_file(broken.weights)
    assert all(np.allclose(found[name], tensor, atol=1e-6) for name, tensor in expected.items())


def whole_total(heard: list[tuple]) -> int:
    return heard[0][1]


def test_what_the_processes_refuse_is_refused_here(job, tmp_path):
    wrong = {"monitor": "acuracy"}
    changed = job.model_copy(update={"output": tmp_path, "training": job.training.model_copy(update=wrong)})
    with pytest.raises(InputError, match="no metric 'acuracy'"):
        train(changed)
