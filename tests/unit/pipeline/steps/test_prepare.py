"""The step that prepares: what it writes, where its output URI leads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from manifest_factory import manifest
from nevus.data.manifest import write_manifest
from nevus.data.prepare import PreparedImages, PrepareSettings
from nevus.pipeline.steps.prepare import run

SETTINGS = PrepareSettings(short_side=32, encoding="raw", images_per_shard=2, workers=1)


@pytest.fixture
def inputs(tmp_path: Path) -> dict[str, str]:
    rows = []
    for n in range(3):
        path = tmp_path / f"{n}.png"
        Image.fromarray(np.random.default_rng(n).integers(0, 255, (32, 40, 3), dtype=np.uint8)).save(path)
        rows.append({"uri": str(path), "channels": "bgr" if n == 2 else None})
    write_manifest(manifest(*rows), tmp_path / "manifest.parquet")
    return {"manifest": str(tmp_path / "manifest.parquet")}


def originals(inputs: dict[str, str]) -> list[np.ndarray]:
    pictures = [np.asarray(Image.open(uri)) for uri in pl.read_parquet(inputs["manifest"])["uri"]]
    return [*pictures[:2], pictures[2][:, :, ::-1]]


def prepared(output: str, cache: Path) -> list[np.ndarray]:
    images = PreparedImages.open(f"{output}/prepared", cache)
    return [images.pixels_of(f"im_{n}") for n in range(3)]


def test_a_second_call_keeps_the_shards_and_other_settings_replace_them(inputs: dict[str, str], tmp_path: Path) -> None:
    output = str(tmp_path / "out")
    assert run(SETTINGS, inputs, output).summary == {
        "images": 3,
        "shards": 2,
        "bytes": pytest.approx(20_000, abs=12_000),
        "shards_kept": 0,
    }
    assert run(SETTINGS, inputs, output).summary["shards_kept"] == 2
    assert all(map(np.array_equal, prepared(output, tmp_path / "cache"), originals(inputs)))
    run(SETTINGS.model_copy(update={"short_side": 16}), inputs, output)
    assert prepared(output, tmp_path / "cache")[0].shape == (16, 20, 3)


@pytest.mark.service
def test_the_output_may_be_a_bucket(inputs: dict[str, str], s3_bucket: str, tmp_path: Path) -> None:
    output = f"{s3_bucket}/runs/one"
    assert run(SETTINGS, inputs, output).summary["images"] == 3
    assert all(map(np.array_equal, prepared(output, tmp_path / "cache"), originals(inputs)))
    assert run(SETTINGS, inputs, output).summary["shards_kept"] == 2
