"""On real dermoscopy: raw shards are exact, and JPEG shards lose less than one could see."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from nevus.data.prepare import PreparedImages, PrepareSettings, prepare
from nevus.imaging import decode_image, resize_short_side

pytestmark = pytest.mark.real
SHORT_SIDE = 288


@pytest.fixture
def table(shared: Path) -> pl.DataFrame:
    paths = sorted((shared / "data" / "original-size").rglob("*.jpg"))
    rows = [(path.stem, str(path), None) for path in paths]
    return pl.DataFrame(rows, schema={"image_id": pl.String, "uri": pl.String, "sha256": pl.String}, orient="row")


def expected(uri: str) -> np.ndarray:
    return resize_short_side(decode_image(Path(uri).read_bytes(), min_short_side=SHORT_SIDE).pixels, SHORT_SIDE)


def test_raw_shards_are_exact(table: pl.DataFrame, tmp_path: Path) -> None:
    prepare(table, PrepareSettings(short_side=SHORT_SIDE, encoding="raw"), tmp_path)
    images = PreparedImages.open(tmp_path)
    for image_id, uri, _ in table.iter_rows():
        assert images.pixels_of(image_id).shape == (288, 384, 3)
        assert np.array_equal(images.pixels_of(image_id), expected(uri))


def test_jpeg_shards_are_within_38_decibels_in_a_sixth_of_the_room(table: pl.DataFrame, tmp_path: Path) -> None:
    raw = prepare(table, PrepareSettings(short_side=SHORT_SIDE, encoding="raw"), tmp_path / "raw")
    jpeg = prepare(table, PrepareSettings(short_side=SHORT_SIDE), tmp_path / "jpeg")
    images = PreparedImages.open(tmp_path / "jpeg")
    errors = [
        np.mean((images.pixels_of(image_id).astype(float) - expected(uri)) ** 2)
        for image_id, uri, _ in table.iter_rows()
    ]
    decibels = 10 * np.log10(255**2 / np.array(errors))
    assert decibels.min() > 38
    assert decibels.mean() > 42
    assert jpeg.bytes < raw.bytes / 6
