"""What the bundle that the step trains says of its data's licences."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from manifest_factory import manifest
from nevus.pipeline.settings import RunSettings, TrainSection, part_of
from nevus.pipeline.steps.train import _manifest
from nevus.training.worker import TrainingJob


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
    settings = part_of(TrainSection, RunSettings())
    rows = manifest(*({"licence": text} for text in licences)).with_columns(pl.lit("train").alias("split"))
    job = TrainingJob(
        manifest=tmp_path / "rows.parquet",
        prepared="",
        output=tmp_path,
        task="diagnosis",
        classes=("mel", "nv"),
        malignant=("mel",),
        metadata=None,
        model=settings.model,
        training=settings.training,
    )
    found = _manifest(settings, job, rows)
    assert (found.licence, found.commercial_use) == (stated, commercial)
    assert "; ".join(found.data.licences) == stated
