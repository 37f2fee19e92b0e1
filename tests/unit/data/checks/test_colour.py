"""A dataset whose red and blue are exchanged shows as a whole: skin is redder than blue."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from manifest_factory import manifest
from nevus.data.checks import check_manifest
from nevus.data.checks.colour import channel_warnings
from nevus.data.settings import CheckSettings

LENIENT = CheckSettings(max_rejected_share=1.0, few_lesions=0)


def files(*datasets: tuple[str, int, int, str | None]) -> pl.DataFrame:
    """Name, images bluer than red, other images, channels."""
    rows = [
        {"dataset": name, "channels": channels, "red_over_blue": -0.1 if n < bluer else 0.1}
        for name, bluer, others, channels in datasets
        for n in range(bluer + others)
    ]
    schema = {"dataset": pl.String, "channels": pl.String, "red_over_blue": pl.Float64}
    return pl.DataFrame(rows, schema=schema)


def test_a_dataset_of_which_nearly_all_is_bluer_than_red_is_named_with_the_remedy() -> None:
    warnings = channel_warnings(files(("ham", 157, 9858, None), ("isic", 1460, 8, None)))
    assert len(warnings) == 1
    assert warnings[0].startswith("1460 of 1468 images of isic are bluer than red")
    assert "set data.channels to bgr" in warnings[0]


@pytest.mark.parametrize(
    ("bluer", "others", "warned"), [(81, 19, True), (80, 20, False), (20, 0, True), (19, 0, False)]
)
def test_the_share_and_the_number_decide(bluer: int, others: int, warned: bool) -> None:
    assert bool(channel_warnings(files(("x", bluer, others, None)))) is warned


def test_a_setting_that_exchanges_what_was_in_order_is_warned_of_too() -> None:
    (warning,) = channel_warnings(files(("x", 30, 0, "bgr")))
    assert "leave out data.channels" in warning


def test_no_images_and_grey_ones_prove_nothing() -> None:
    assert channel_warnings(files()) == []
    assert channel_warnings(files(("x", 0, 30, None)).with_columns(red_over_blue=0.0)) == []
    assert channel_warnings(files(("x", 0, 30, None)).with_columns(red_over_blue=None)) == []


def test_the_check_measures_the_colours_as_they_are_read(tmp_path: Path) -> None:
    """The same pictures, in order, exchanged, and exchanged but put back."""
    rows = []
    for n in range(20):
        skin = np.random.default_rng(n).integers(0, 60, (9, 12, 3)) + np.array([180, 110, 80])
        pixels = skin.astype(np.uint8).repeat(10, 0).repeat(10, 1)
        # compressed each in its own way, so that none is folded into another for equal bytes
        for name, kept, channels in (("right", 1, None), ("blue", -1, None), ("put-back", -1, "bgr")):
            path = tmp_path / f"{name}{n}.png"
            Image.fromarray(pixels[:, :, ::kept]).save(path, compress_level=len(name))
            rows.append({"image_id": path.stem, "dataset": name, "uri": str(path), "channels": channels})
    result = check_manifest(manifest(*rows), LENIENT)
    assert [w.split(" are bluer")[0] for w in result.warnings if "bluer" in w] == ["20 of 20 images of blue"]
    digests = dict(result.files.select("image_id", "pixel_sha256").iter_rows())
    assert digests["right0"] == digests["put-back0"] != digests["blue0"]
    measured = dict(result.files.select("image_id", "red_over_blue").iter_rows())
    assert measured["right0"] == pytest.approx(100 / 255, abs=0.03)
    assert measured["blue0"] == pytest.approx(-measured["right0"])
