"""Whatever a file is called, its bytes become upright RGB pixels, or an error with a reason."""

from __future__ import annotations

import io
import pickle
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from nevus.imaging import DecodeLimits, UnreadableImageError, decode_image, read_image
from nevus.imaging.decode import pixels_in_full

ORIENTATION = 0x0112


def picture(width: int = 60, height: int = 40) -> np.ndarray:
    """Smooth and without symmetry, so that every rotation and flip is another picture."""
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([x * 255 // width, y * 255 // height, (x + 2 * y) * 255 // (width + 2 * height)], 2).astype(
        np.uint8
    )


def encoded(image: Image.Image | np.ndarray, kind: str, **options: object) -> bytes:
    image = image if isinstance(image, Image.Image) else Image.fromarray(image)
    buffer = io.BytesIO()
    image.save(buffer, format=kind, **options)
    return buffer.getvalue()


def close(pixels: np.ndarray, expected: np.ndarray, tolerance: int = 6) -> bool:
    return pixels.shape == expected.shape and int(np.abs(pixels.astype(int) - expected).max()) <= tolerance


def reason_of(data: bytes, **options: object) -> str:
    with pytest.raises(UnreadableImageError) as caught:
        decode_image(data, **options)
    return caught.value.reason


def test_jpeg_gives_the_pixels_that_pillow_gives() -> None:
    data = encoded(picture(), "JPEG", quality=95)
    image = decode_image(data)
    assert close(image.pixels, np.asarray(Image.open(io.BytesIO(data))), 2)
    assert (image.width, image.height, image.format, image.notes) == (60, 40, "jpeg", ())
    assert image.pixels.dtype == np.uint8


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "WEBP", "GIF"])
def test_other_formats_are_read(kind: str) -> None:
    image = decode_image(encoded(picture(), kind, **({"lossless": True} if kind == "WEBP" else {})))
    assert close(image.pixels, picture(), 40 if kind == "GIF" else 0)
    assert image.format == kind.lower()
    assert image.notes == ()


@pytest.mark.parametrize(
    ("need", "expected"),
    [(None, (450, 600)), (450, (450, 600)), (226, (450, 600)), (225, (225, 300)), (57, (113, 150))],
)
def test_a_jpeg_is_scaled_by_powers_of_two_as_long_as_the_short_side_suffices(
    need: int | None, expected: tuple[int, int]
) -> None:
    image = decode_image(encoded(picture(600, 450), "JPEG"), min_short_side=need)
    assert image.pixels.shape[:2] == expected
    assert (image.width, image.height) == (600, 450)


def test_the_needed_side_may_depend_on_the_upright_size() -> None:
    seen = []
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    data = encoded(picture(600, 450), "JPEG", exif=exif)
    image = decode_image(data, min_short_side=lambda w, h: seen.append((w, h)) or 100)
    assert seen == [(450, 600)]
    assert image.pixels.shape[:2] == (150, 113)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 300), st.integers(1, 300), st.integers(1, 200))
def test_a_scaled_jpeg_never_has_less_than_the_needed_side(width: int, height: int, need: int) -> None:
    full = encoded(picture(width, height), "JPEG")
    pixels = decode_image(full, min_short_side=need).pixels
    assert min(pixels.shape[:2]) >= min(need, width, height)
    assert abs(pixels.shape[1] / pixels.shape[0] / (width / height) - 1) <= 8 / min(pixels.shape[:2])


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_undone(kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    options = {"quality": 95} if kind == "JPEG" else {"lossless": True} if kind == "WEBP" else {}
    data = encoded(picture(), kind, exif=exif, **options)
    stored = Image.fromarray(picture())
    stored.getexif()[ORIENTATION] = orientation
    expected = np.asarray(ImageOps.exif_transpose(stored))
    image = decode_image(data)
    assert close(image.pixels, expected)
    assert (image.height, image.width) == expected.shape[:2]
    assert image.notes == (("rotated_by_exif",) if orientation > 1 else ())


def test_damaged_exif_data_leave_the_image_as_it_is() -> None:
    data = encoded(picture(), "JPEG")
    broken = data[:2] + b"\xff\xe1\x00\x10Exif\x00\x00MM\x00*\xff\xff\xff\xff" + data[2:]
    assert decode_image(broken).notes == ()


def test_alpha_becomes_white_ground() -> None:
    alpha = np.full((40, 60, 1), 255, np.uint8)
    alpha[:, :20] = 0
    alpha[:, 20:30] = 128
    image = decode_image(encoded(np.concatenate([picture(), alpha], 2), "PNG"))
    assert (image.pixels[:, :20] == 255).all()
    assert close(image.pixels[:, 20:30], (picture()[:, 20:30] * 128.0 + 255 * 127) / 255, 1)
    assert close(image.pixels[:, 30:], picture()[:, 30:], 0)
    assert image.notes == ("alpha_removed",)


def test_an_opaque_alpha_channel_changes_nothing() -> None:
    image = decode_image(encoded(np.concatenate([picture(), np.full((40, 60, 1), 255, np.uint8)], 2), "PNG"))
    assert close(image.pixels, picture(), 0)
    assert image.notes == ()


def test_16_bit_grey_is_scaled_and_not_clipped() -> None:
    values = np.linspace(0, 65535, 2400).reshape(40, 60).astype(np.uint16)
    for kind in ("PNG", "TIFF"):
        image = decode_image(encoded(Image.fromarray(values), kind))
        assert close(image.pixels, np.repeat(np.rint(values / 257)[:, :, None], 3, 2), 0), kind
        assert image.notes == ("converted_from_16_bit",)


def png_of_16_bit_rgb(values: np.ndarray) -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    height, width = values.shape[:2]
    rows = b"".join(b"\x00" + row.astype(">u2").tobytes() for row in values)
    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def test_16_bit_colour_is_scaled() -> None:
    image = decode_image(png_of_16_bit_rgb(picture().astype(np.uint16) * 257))
    assert close(image.pixels, picture(), 0)
    assert image.notes == ("converted_from_16_bit",)


def test_grey_and_palette_become_rgb() -> None:
    grey = Image.fromarray(picture()).convert("L")
    for kind in ("PNG", "JPEG"):
        image = decode_image(encoded(grey, kind, **({"quality": 98} if kind == "JPEG" else {})))
        assert close(image.pixels, np.repeat(np.asarray(grey)[:, :, None], 3, 2), 3)
    palette = Image.fromarray(picture()).quantize(64)
    image = decode_image(encoded(palette, "PNG"))
    assert close(image.pixels, np.asarray(palette.convert("RGB")), 0)


def test_a_transparent_palette_colour_becomes_white() -> None:
    palette = Image.fromarray(np.repeat(np.arange(4, dtype=np.uint8), 10)[None].repeat(9, 0), "P")
    palette.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120])
    image = decode_image(encoded(palette, "PNG", transparency=1))
    assert (image.pixels[:, 10:20] == 255).all()
    assert (image.pixels[:, 20:30] == (70, 80, 90)).all()
    assert image.notes == ("alpha_removed",)


def test_cmyk_jpeg_becomes_rgb() -> None:
    data = encoded(Image.fromarray(picture()).convert("CMYK"), "JPEG", quality=98)
    image = decode_image(data, min_short_side=10)
    assert close(image.pixels, picture(), 12)
    assert image.notes == ("converted_from_cmyk",)
    assert image.format == "jpeg"


def test_the_first_frame_of_an_animation_is_taken_and_noted() -> None:
    first, second = Image.new("RGB", (30, 20), (200, 30, 30)), Image.new("RGB", (30, 20), (30, 30, 200))
    for kind in ("GIF", "WEBP", "PNG"):
        image = decode_image(encoded(first, kind, save_all=True, append_images=[second]))
        assert close(image.pixels, np.asarray(first), 10), kind
        assert image.notes == ("first_frame_of_animation",), kind


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "BMP"])
def test_a_file_that_is_cut_off_is_truncated(kind: str, share: float) -> None:
    data = encoded(np.random.default_rng(0).integers(0, 9, (40, 60, 3), dtype=np.uint8) * 28, kind)
    assert reason_of(data[: max(16, int(len(data) * share))]) == "truncated"


def test_a_jpeg_without_its_last_two_bytes_is_truncated() -> None:
    assert reason_of(encoded(picture(), "JPEG")[:-2]) == "truncated"


def test_bytes_after_the_end_of_a_jpeg_do_no_harm() -> None:
    data = encoded(picture(), "JPEG")
    assert close(decode_image(data + b"appended by a camera" * 9).pixels, decode_image(data).pixels, 0)


def test_a_jpeg_with_a_damaged_spot_is_read_and_noted() -> None:
    data = encoded(np.random.default_rng(0).integers(0, 256, (200, 300, 3), dtype=np.uint8), "JPEG")
    middle = len(data) // 2
    image = decode_image(data[:middle] + b"\xff\x00\x12" * 9 + data[middle:])
    assert image.pixels.shape == (200, 300, 3)
    assert "recovered_from_damage" in image.notes


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"this is a text, whatever its name says\n" * 20, "not_an_image"),
        (b"\x00" * 5000, "not_an_image"),
        (b"\xff\xd8\xff", "truncated"),
        (b"%PDF-1.7 ...", "unsupported"),
        (b"\x00\x00\x00\x18ftypheic" + b"\x00" * 100, "unsupported"),
        (b"\x00" * 128 + b"DICM" + b"\x00" * 100, "unsupported"),
    ],
)
def test_what_is_no_image_is_refused_with_a_reason(data: bytes, reason: str) -> None:
    assert reason_of(data) == reason


def test_postscript_is_never_given_to_its_interpreter() -> None:
    assert reason_of(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n") in ("unsupported", "not_an_image")


def bomb(kind: str, side: int = 30_000) -> bytes:
    if kind == "JPEG":
        data = bytearray(encoded(picture(16, 16), "JPEG"))
        start = data.index(b"\xff\xc0") + 5
        data[start : start + 4] = struct.pack(">HH", side, side)
        return bytes(data)
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + b"IHDR" + header + struct.pack(">I", zlib.crc32(b"IHDR" + header))
    return b"\x89PNG\r\n\x1a\n" + chunk + struct.pack(">I", 0) + b"IDAT" + b"\x00" * 8


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_pixel_bomb_is_refused_by_its_header(kind: str) -> None:
    assert reason_of(bomb(kind)) == "too_many_pixels"


def test_the_limit_on_pixels_can_be_set() -> None:
    data = encoded(picture(100, 100), "PNG")
    assert decode_image(data, limits=DecodeLimits(max_pixels=10_000)).width == 100
    assert reason_of(data, limits=DecodeLimits(max_pixels=9_999)) == "too_many_pixels"


def test_a_limit_above_pillows_own_is_said_to_hold_for_jpeg_alone() -> None:
    """Pillow opens twice 89,478,485 pixels at most, whatever limit is set."""
    image = bomb("PNG", side=13_964)  # 195 million
    with pytest.raises(
        UnreadableImageError, match=r"more than 179 million pixels, the most that Pillow opens"
    ) as caught:
        decode_image(image, limits=DecodeLimits(max_pixels=200_000_000))
    assert caught.value.reason == "too_many_pixels"
    with pytest.raises(UnreadableImageError, match="far more pixels than the 64 million that are allowed"):
        decode_image(image)


def test_the_extension_is_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "Läsion 皮膚 №1.png"
    path.write_bytes(encoded(picture(), "JPEG"))
    assert read_image(path).format == "jpeg"


@pytest.mark.parametrize("name", ["absent.jpg", "."])
def test_a_missing_file_and_a_folder_are_missing(tmp_path: Path, name: str) -> None:
    with pytest.raises(UnreadableImageError, match=str(tmp_path)) as caught:
        read_image(tmp_path / name)
    assert caught.value.reason == "missing"


def test_the_message_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "text.jpg"
    path.write_text("not an image")
    with pytest.raises(UnreadableImageError, match=r"text\.jpg: the bytes are not those of an image"):
        read_image(path)


def test_the_error_crosses_processes_with_its_reason() -> None:
    error = pickle.loads(pickle.dumps(UnreadableImageError("why", "truncated")))
    assert (str(error), error.reason) == ("why", "truncated")


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(["JPEG", "PNG", "GIF", "TIFF", "BMP", "WEBP"]), st.data())
def test_damaged_bytes_give_an_image_or_the_one_error(kind: str, data: st.DataObject) -> None:
    content = bytearray(encoded(picture(24, 16), kind))
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        image = decode_image(bytes(content), limits=DecodeLimits(max_pixels=1_000_000))
    except UnreadableImageError:
        return
    assert image.pixels.dtype == np.uint8
    assert image.pixels.ndim == 3


@pytest.mark.real
def test_real_images_decode_alike_in_full_and_scaled(shared: Path) -> None:
    for path in sorted((shared / "data" / "original-size").rglob("*.jpg"))[:5]:
        full = read_image(path)
        scaled = read_image(path, min_short_side=200)
        assert (full.width, full.height) == (600, 450)
        assert scaled.pixels.shape[:2] == (225, 300)
        halved = full.pixels.reshape(225, 2, 300, 2, 3).mean((1, 3))
        assert np.abs(scaled.pixels - halved).mean() < 1.0, path


def test_what_must_be_decoded_in_full_is_told_by_the_header():
    for kind in ("PNG", "WEBP", "TIFF", "BMP"):
        assert pixels_in_full(encoded(picture(60, 40), kind)) == 2400, kind
    assert pixels_in_full(encoded(picture(), "JPEG")) == 0
    assert pixels_in_full(b"no image") == 0
    assert pixels_in_full(encoded(picture(60, 40), "PNG")[:30]) == 0
