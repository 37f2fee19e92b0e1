"""The step that trains: what it refuses before anything runs, and where its images come from."""

from __future__ import annotations

from pathlib import Path

import pytest

from nevus.data.prepare import PrepareSettings, prepare
from nevus.pipeline.settings import RunSettings, TrainSection, part_of
from nevus.pipeline.steps.train import preflight, training_job
from nevus.training.backbones import BackboneError
from nevus.training.settings import ModelSettings
from nevus.training.worker import train
from training_factory import BACKBONE, HEIGHT, WIDTH, drawn_rows


def section(**model: object) -> TrainSection:
    settings = ModelSettings(**({"backbone": "test_resnet", "weights": "none"} | model))
    return part_of(TrainSection, RunSettings(model=settings))


def test_a_network_that_cannot_be_made_is_refused_beforehand(tmp_path: Path) -> None:
    preflight(section())
    with pytest.raises(BackboneError, match=r"no model 'test_resnat' .*did you mean test_resnet"):
        preflight(section(backbone="test_resnat"))
    with pytest.raises(BackboneError, match=r"no weights file .*absent\.safetensors"):
        preflight(section(weights=tmp_path / "absent.safetensors"))


@pytest.mark.service
def test_copies_of_prepared_images_in_a_bucket_lie_in_the_home_that_the_settings_name(
    s3_bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEVUS_HOME", str(tmp_path / "somebody-elses"))
    rows = drawn_rows(tmp_path, groups=24)
    prepare(rows, PrepareSettings(short_side=HEIGHT + 8, encoding="raw", workers=1), f"{s3_bucket}/prepared")
    home = tmp_path / "home"
    tree = {
        "model": {"backbone": BACKBONE, "weights": "none", "height": HEIGHT, "width": WIDTH},
        "training": {"head_epochs": 0, "epochs": 1, "batch_size": 8, "workers": 0, "threads": 1},
        "store": {"home": home},
    }
    settings = part_of(TrainSection, RunSettings.model_validate(tree))
    job = training_job(settings, rows, f"{s3_bucket}/prepared", tmp_path / "training")
    assert len(train(job).history) == 1
    assert [path.name.partition("-")[2] for path in (home / "cache" / "prepared").iterdir()] == ["shard-00000.arrow"]
    assert not (tmp_path / "somebody-elses").exists()
