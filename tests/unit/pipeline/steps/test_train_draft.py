"""The draft of the bundle that the step makes of what was trained."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from safetensors.torch import save_file

from manifest_factory import manifest
from nevus.pipeline.settings import RunSettings, TrainSection, part_of
from nevus.pipeline.steps.train import _graph, _manifest
from nevus.training.novelty.settings import NoveltySettings
from nevus.training.worker import TrainingJob, build_network

SETTINGS = part_of(TrainSection, RunSettings.model_validate({"model": {"backbone": "test_resnet", "weights": "none"}}))


def job_in(folder: Path) -> TrainingJob:
    return TrainingJob(
        manifest=folder / "rows.parquet",
        prepared="",
        output=folder,
        task="diagnosis",
        classes=("mel", "nv"),
        malignant=("mel",),
        metadata=None,
        model=SETTINGS.model,
        training=SETTINGS.training,
    )


@pytest.mark.parametrize(
    ("licences", "stated", "commercial"),
    [
        (("CC0-1.0", "CC-BY-4.0"), "CC-BY-4.0; CC0-1.0", True),
        (("CC0-1.0", "cc-by-nc-4.0"), "CC0-1.0; cc-by-nc-4.0", False),
        (("CC0-1.0", None), "CC0-1.0; unknown", False),
        ((None, None), "unknown", False),
    ],
)
def test_the_bundle_inherits_every_licence_and_the_lack_of_one(
    tmp_path: Path, licences: tuple[str | None, ...], stated: str, commercial: bool
) -> None:
    rows = manifest(*({"licence": text} for text in licences)).with_columns(pl.lit("train").alias("split"))
    found = _manifest(SETTINGS, job_in(tmp_path), rows)
    assert (found.licence, found.commercial_use) == (stated, commercial)
    assert "; ".join(found.data.licences) == stated


def test_weights_that_lack_a_tensor_make_no_bundle(tmp_path: Path) -> None:
    """It would stay as it was drawn at random, and nothing would say so."""
    job = job_in(tmp_path)
    state = build_network(job).state_dict()
    name = next(key for key in state if key.startswith("backbone.") and key.endswith(".weight"))
    save_file({key: value for key, value in state.items() if key != name}, tmp_path / "weights.safetensors")
    with pytest.raises(RuntimeError, match=name):
        _graph(job, tmp_path / "weights.safetensors", NoveltySettings())
