"""One image on its way into a shard: its size, its pixels, and what is refused."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import simplejpeg
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from nevus.data.prepare import PreparedError, PrepareSettings
from nevus.data.prepare.encoding import SourceImage, encode, prepare_image, read_source, to_short_side
from nevus.imaging import DecodeLimits, decode_image, resize_short_side

LIMITS = DecodeLimits()


def _jpeg(height: int, width: int) -> bytes:
    y, x = np.mgrid[0:height, 0:width]
    pixels = np.stack([x % 256, y % 256, (x + y) % 256], axis=-1).astype(np.uint8)
    return simplejpeg.encode_jpeg(pixels, quality=95)


@pytest.mark.parametrize(
    ("height", "width", "expected"),
    [(450, 600, (288, 384)), (600, 450, (384, 288)), (1536, 2048, (288, 384)), (288, 500, (288, 500))],
)
def test_the_short_side_is_met_and_the_aspect_ratio_kept(height: int, width: int, expected: tuple[int, int]) -> None:
    assert to_short_side(_jpeg(height, width), 288, LIMITS).shape == (*expected, 3)


def test_a_smaller_image_keeps_its_size_and_its_pixels() -> None:
    data = _jpeg(120, 160)
    assert np.array_equal(to_short_side(data, 288, LIMITS), decode_image(data).pixels)


@settings(max_examples=20, deadline=None)
@given(height=st.integers(16, 300), width=st.integers(16, 300), short_side=st.integers(16, 128))
def test_no_image_is_ever_enlarged_or_squashed(height: int, width: int, short_side: int) -> None:
    out_height, out_width, _ = to_short_side(_jpeg(height, width), short_side, LIMITS).shape
    assert min(out_height, out_width) == min(short_side, height, width)
    ratio = max(out_height, out_width) / min(out_height, out_width) / (max(height, width) / min(height, width))
    assert abs(ratio - 1) <= 2 / min(out_height, out_width)  # whole pixels, once when decoding and once when resizing


def test_raw_rows_hold_the_pixels_that_serving_would_see() -> None:
    data = _jpeg(450, 600)
    row = encode("a", to_short_side(data, 128, LIMITS), PrepareSettings(short_side=128, encoding="raw"))
    expected = resize_short_side(decode_image(data, min_short_side=128).pixels, 128)
    assert (row.encoding, row.height, row.width) == ("raw", 128, 171)
    assert np.array_equal(np.frombuffer(row.data, np.uint8).reshape(128, 171, 3), expected)


def test_jpeg_rows_keep_the_full_resolution_of_colour() -> None:
    row = encode("a", decode_image(_jpeg(64, 96)).pixels, PrepareSettings(quality=95))
    height, width, _, subsampling = simplejpeg.decode_jpeg_header(row.data)
    assert (height, width, subsampling) == (64, 96, "444")


def test_a_higher_quality_is_closer_to_the_original() -> None:
    pixels = decode_image(_jpeg(128, 128)).pixels.astype(int)

    def error(quality: int) -> float:
        row = encode("a", pixels.astype(np.uint8), PrepareSettings(quality=quality))
        return float(np.abs(simplejpeg.decode_jpeg(row.data, "RGB") - pixels).mean())

    assert error(100) < error(95) < error(60)
    assert error(95) < 2


def test_a_photo_turned_by_exif_is_stored_upright(tmp_path: Path) -> None:
    path = tmp_path / "turned.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.zeros((40, 80, 3), np.uint8)).save(path, exif=exif)
    row = prepare_image(SourceImage("a", str(path), None), PrepareSettings(), LIMITS)
    assert (row.height, row.width) == (80, 40)


def test_a_file_that_changed_since_the_check_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(_jpeg(32, 32))
    known = hashlib.sha256(path.read_bytes()).hexdigest()
    assert read_source(SourceImage("im_1", str(path), known)) == path.read_bytes()
    path.write_bytes(_jpeg(32, 33))
    with pytest.raises(PreparedError, match=r"a\.jpg \(image im_1\).*nevus step check"):
        read_source(SourceImage("im_1", str(path), known))


def test_an_undecodable_file_is_named_with_its_image(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"just words, whatever the name says")
    with pytest.raises(PreparedError, match=r"a\.jpg \(image im_1\)"):
        prepare_image(SourceImage("im_1", str(path), None), PrepareSettings(), LIMITS)


def test_a_missing_file_is_an_error_of_the_input(tmp_path: Path) -> None:
    with pytest.raises(PreparedError, match=r"image im_1: .*gone\.jpg.* no such file"):
        prepare_image(SourceImage("im_1", str(tmp_path / "gone.jpg"), None), PrepareSettings(), LIMITS)
