"""Pixels of a manifest's images: red where red belongs, under the limits that the check allowed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from manifest_factory import manifest
from nevus.data.pixels import ManifestPixels, decode_rgb, limits_of
from nevus.imaging import DecodeLimits, UnreadableImageError

RED = np.tile(np.array([200, 90, 40], np.uint8), (6, 8, 1))


def save(path: Path, pixels: np.ndarray) -> str:
    Image.fromarray(pixels).save(path)
    return str(path)


def test_exchanged_channels_are_put_back_and_others_left_alone(tmp_path: Path) -> None:
    data = Path(save(tmp_path / "a.png", RED[:, :, ::-1])).read_bytes()
    back = decode_rgb(data, "bgr", limits=DecodeLimits())
    assert np.array_equal(back.pixels, RED)
    assert back.pixels.flags.c_contiguous  # what follows (JPEG encoding, ONNX Runtime) takes no views
    assert (back.width, back.height, back.format) == (8, 6, "png")
    assert np.array_equal(decode_rgb(data, None, limits=DecodeLimits()).pixels, RED[:, :, ::-1])


def test_a_manifests_rows_are_read_each_in_its_own_order(tmp_path: Path) -> None:
    rows = manifest(
        {"uri": save(tmp_path / "a.png", RED)},
        {"uri": save(tmp_path / "b.png", RED[:, :, ::-1]), "channels": "bgr"},
    )
    read = ManifestPixels(rows)
    assert np.array_equal(read(0), RED)
    assert np.array_equal(read(1), RED)
    assert read.source(0) == (tmp_path / "a.png").read_bytes()  # a predictor decodes it as it would in use
    assert np.array_equal(read.source(1), RED)


def test_an_image_that_can_not_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("no image")
    with pytest.raises(UnreadableImageError, match=r"text\.jpg: the bytes are not those of an image"):
        ManifestPixels(manifest({"uri": str(tmp_path / "text.jpg")}))(0)
    with pytest.raises(ValueError, match=r"gone\.jpg: there is no such file"):
        ManifestPixels(manifest({"uri": str(tmp_path / "gone.jpg")}))(0)


def test_what_the_check_accepted_may_be_decoded_whatever_its_size(tmp_path: Path) -> None:
    ordinary = DecodeLimits().max_pixels
    assert limits_of(manifest({"width": 600, "height": 450}, {})).max_pixels == ordinary
    assert limits_of(manifest({"width": 60_000, "height": 50_000}, {})).max_pixels == 3_000_000_000  # beyond 32 bits
    assert limits_of(manifest({}).drop("width")).max_pixels == ordinary
