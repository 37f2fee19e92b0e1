"""A folder of small images of known content, and the table that names them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import simplejpeg

SCHEMA = {"image_id": pl.String(), "uri": pl.String(), "sha256": pl.String()}


def draw(seed: int, height: int, width: int) -> np.ndarray:
    """A smooth picture, different for every seed, that survives JPEG well."""
    y, x = np.mgrid[0:height, 0:width]
    phases = np.random.default_rng(seed).uniform(0, 6, (3, 2))
    return np.stack([127 + 60 * np.sin(x / 9 + p) + 60 * np.cos(y / 7 + q) for p, q in phases], axis=-1).astype(
        np.uint8
    )


@pytest.fixture
def make_images(tmp_path: Path) -> Callable[..., pl.DataFrame]:
    """`make_images(n, height, width)` writes n JPEG files, numbered from `first`, and gives their rows."""

    def make(count: int, height: int = 48, width: int = 64, first: int = 0) -> pl.DataFrame:
        folder = tmp_path / "images"
        folder.mkdir(exist_ok=True)
        rows = []
        for k in range(first, first + count):
            data = simplejpeg.encode_jpeg(draw(k, height, width), quality=95, colorsubsampling="444")
            path = folder / f"im_{k:05d}.jpg"
            path.write_bytes(data)
            rows.append((path.stem, str(path), hashlib.sha256(data).hexdigest()))
        return pl.DataFrame(rows, schema=SCHEMA, orient="row")

    return make
