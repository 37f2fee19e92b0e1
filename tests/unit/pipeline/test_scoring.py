"""A bundle over a manifest's images: each answer stands in its own row, from the pixels as they should be."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from graphs import CLASSES, MALIGNANT, make_tiny_bundle
from manifest_factory import manifest
from nevus.data.pixels import ChangedImageError
from nevus.pipeline.scoring import as_predictions, logits_of, score_images
from nevus.training.targets import Targets

TARGETS = Targets("diagnosis", CLASSES, MALIGNANT)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_bundle(tmp_path_factory.mktemp("bundle") / "tiny")


@pytest.fixture
def rows(tmp_path: Path) -> pl.DataFrame:
    """Six images, from red (malignant to this bundle) to grey; the third has no diagnosis."""
    found = []
    for n in range(6):
        colour = np.array([200 - 15 * n, 60 + 20 * n, 50 + 20 * n])
        pixels = np.random.default_rng(n).normal(colour, 12, (40, 50, 3)).clip(0, 255).astype(np.uint8)
        path = tmp_path / f"{n}.png"
        Image.fromarray(pixels).save(path)
        diagnosis = "unknown" if n == 2 else ("mel", "nv")[n % 2]
        found.append({"uri": str(path), "diagnosis": diagnosis, "malignant": None if n == 2 else n % 2 == 0})
    return manifest(*found).with_columns(pl.lit("test").alias("split"))


def test_every_row_has_its_own_answer(bundle: Path, rows: pl.DataFrame) -> None:
    table = score_images(bundle, rows, TARGETS)
    assert table["image_id"].to_list() == rows["image_id"].to_list()
    assert table["label"].to_list() == [0, 1, -1, 1, 0, 1]
    assert table["malignant"].to_list() == [True, False, None, False, True, False]
    shares = table.select(pl.sum_horizontal(f"p_{c}" for c in CLASSES)).to_series()
    assert shares.to_list() == pytest.approx([1] * 6, abs=1e-5)
    assert table["p_malignant"].to_list() == sorted(table["p_malignant"], reverse=True)
    alone = score_images(bundle, rows[3:4], TARGETS)
    assert alone.equals(table[3:4])
    assert np.allclose(logits_of(table, CLASSES)[3], logits_of(alone, CLASSES)[0])


def test_an_image_whose_channels_are_exchanged_is_judged_as_if_they_were_not(
    bundle: Path, rows: pl.DataFrame, tmp_path: Path
) -> None:
    expected = score_images(bundle, rows, TARGETS)
    for uri in rows["uri"]:
        with Image.open(uri) as image:
            Image.fromarray(np.asarray(image)[:, :, ::-1]).save(uri)
    put_back = score_images(bundle, rows.with_columns(pl.lit("bgr").alias("channels")), TARGETS)
    assert put_back.equals(expected)
    as_they_lie = score_images(bundle, rows, TARGETS)
    assert (as_they_lie["p_malignant"] - expected["p_malignant"]).abs().max() > 0.1


def test_rows_of_which_no_truth_is_known_are_not_judged(bundle: Path, rows: pl.DataFrame) -> None:
    predictions = as_predictions(score_images(bundle, rows, TARGETS), TARGETS)
    assert predictions.ids.tolist() == ["im_0", "im_1", "im_3", "im_4", "im_5"]
    assert predictions.labels.tolist() == [0, 1, 1, 0, 1]


def test_an_image_that_is_gone_is_named(bundle: Path, rows: pl.DataFrame) -> None:
    Path(rows["uri"][4]).unlink()
    with pytest.raises(ValueError, match=r"4\.png: there is no such file"):
        score_images(bundle, rows, TARGETS)


@pytest.mark.parametrize("channels", ["rgb", "bgr"])
def test_an_image_that_is_not_the_one_that_was_checked_is_not_scored(
    bundle: Path, rows: pl.DataFrame, channels: str
) -> None:
    hashes = [hashlib.sha256(Path(uri).read_bytes()).hexdigest() for uri in rows["uri"]]
    swapped = None if channels == "rgb" else channels
    checked = rows.with_columns(pl.Series("sha256", hashes), pl.lit(swapped, dtype=pl.String).alias("channels"))
    assert score_images(bundle, checked, TARGETS).height == 6
    with Image.open(rows["uri"][4]) as image:
        image.rotate(180).save(rows["uri"][4])
    with pytest.raises(ChangedImageError, match=r"4\.png: the file has changed since the check read it") as caught:
        score_images(bundle, checked, TARGETS)
    assert caught.value.exit_code == 2
