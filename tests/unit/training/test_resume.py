"""A training that is killed and started again ends where the uninterrupted one ends."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest
import torch
from safetensors.torch import load_file

from nevus.data.ingest import ingest
from nevus.data.prepare import PrepareSettings, prepare
from nevus.data.settings import DataSettings
from nevus.data.splits import SplitSettings, make_split
from nevus.training.settings import ImbalanceSettings, ModelSettings, ResolutionStage, TrainingSettings
from nevus.training.worker import TrainingJob

pytestmark = pytest.mark.slow  # three trainings in processes of their own


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("resume")
    manifest = ingest(DataSettings(synthetic={"lesions": 90, "width": 80, "height": 64}), folder / "drawn")
    split, _ = make_split(manifest, SplitSettings())
    manifest.join(split.select("image_id", "split"), on="image_id").write_parquet(folder / "rows.parquet")
    prepare(manifest, PrepareSettings(short_side=64), folder / "prepared")
    return folder


def job(base: Path, output: Path) -> Path:
    rows = pl.read_parquet(base / "rows.parquet")
    made = TrainingJob(
        manifest=base / "rows.parquet",
        prepared=str(base / "prepared"),
        output=output,
        task="diagnosis",
        classes=tuple(sorted(rows["diagnosis"].unique())),
        malignant=("akiec", "bcc", "mel"),
        metadata=None,
        model=ModelSettings(backbone="test_resnet", weights="none", height=48, width=64),
        training=TrainingSettings(
            head_epochs=1,
            epochs=4,
            batch_size=8,
            accumulate=2,
            threads=1,
            ema_decay=0.9,
            mixup=0.4,
            resolutions=(ResolutionStage(until=0.5, scale=0.7),),
            imbalance=ImbalanceSettings(sampler_power=0.5, logit_adjustment=1.0),
        ),
    )
    output.mkdir()
    (output / "job.json").write_text(made.model_dump_json())
    return output / "job.json"


def command(path: Path) -> list[str]:
    return [sys.executable, "-m", "nevus.training.worker", str(path)]


def test_a_killed_training_ends_where_the_uninterrupted_one_ends(base: Path, tmp_path: Path) -> None:
    whole, broken = job(base, tmp_path / "whole"), job(base, tmp_path / "broken")
    subprocess.run(command(whole), check=True, timeout=240)
    process = subprocess.Popen(command(broken))
    last = broken.parent / "checkpoints" / "last.ckpt"
    deadline = time.monotonic() + 200
    while not (last.exists() and torch.load(last, weights_only=True)["epoch"] >= 1):
        assert time.monotonic() < deadline
        assert process.poll() is None, "the training ended before it could be killed"
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (broken.parent / "weights.safetensors").exists()
    subprocess.run(command(broken), check=True, timeout=240)

    expected, found = (json.loads((p.parent / "history.json").read_text()) for p in (whole, broken))
    assert [e["epoch"] for e in found] == [0, 1, 2, 3, 4]
    for one, other in zip(expected, found, strict=True):
        for name, value in one.items():
            assert other[name] == (pytest.approx(value, abs=1e-6, nan_ok=True) if isinstance(value, float) else value)
    weights = [load_file(p.parent / "weights.safetensors") for p in (whole, broken)]
    for name, tensor in weights[0].items():
        torch.testing.assert_close(weights[1][name], tensor, atol=1e-6, rtol=0)
