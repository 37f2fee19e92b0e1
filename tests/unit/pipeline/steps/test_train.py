"""The step that trains: what it refuses before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from nevus.pipeline.settings import RunSettings, TrainSection, part_of
from nevus.pipeline.steps.train import preflight
from nevus.training.backbones import BackboneError
from nevus.training.settings import ModelSettings


def section(**model: object) -> TrainSection:
    settings = ModelSettings(**({"backbone": "test_resnet", "weights": "none"} | model))
    return part_of(TrainSection, RunSettings(model=settings))


def test_a_network_that_cannot_be_made_is_refused_beforehand(tmp_path: Path) -> None:
    preflight(section())
    with pytest.raises(BackboneError, match=r"no model 'test_resnat' .*did you mean test_resnet"):
        preflight(section(backbone="test_resnat"))
    with pytest.raises(BackboneError, match=r"no weights file .*absent\.safetensors"):
        preflight(section(weights=tmp_path / "absent.safetensors"))
