"""Framing keeps the aspect ratio, the centre and the mean, and gives the same pixels every time."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nevus.imaging import frame, resize_short_side
from nevus.imaging.resize import contained, cover_box, needed_short_side


def disc(height: int, width: int, radius: float) -> np.ndarray:
    """A white disc in the centre of black."""
    y, x = np.mgrid[0:height, 0:width]
    inside = np.hypot(x - (width - 1) / 2, y - (height - 1) / 2) <= radius
    return np.repeat(np.where(inside, 255, 0)[:, :, None], 3, 2).astype(np.uint8)


def extent(pixels: np.ndarray) -> tuple[int, int]:
    """Height and width of what is bright."""
    bright = pixels[:, :, 0] > 127
    return int(bright.any(1).sum()), int(bright.any(0).sum())


@pytest.mark.parametrize(
    ("shape", "expected"), [((450, 600), (192, 256)), ((600, 450), (256, 192)), ((90, 90), (192, 192))]
)
def test_the_short_side_becomes_what_was_asked(shape: tuple[int, int], expected: tuple[int, int]) -> None:
    assert resize_short_side(np.zeros((*shape, 3), np.uint8), 192).shape == (*expected, 3)


@pytest.mark.parametrize("rule", ["cover", "contain"])
@pytest.mark.parametrize("shape", [(450, 600), (600, 450), (400, 400), (200, 900)])
def test_a_circle_stays_a_circle_in_the_centre(rule: str, shape: tuple[int, int]) -> None:
    framed = frame(disc(*shape, 0.3 * min(shape)), 192, 256, rule)
    height, width = extent(framed)
    assert framed.shape == (192, 256, 3)
    assert abs(height - width) <= 2
    assert close_to_centre(framed)


def close_to_centre(pixels: np.ndarray) -> bool:
    y, x = np.nonzero(pixels[:, :, 0] > 127)
    return abs(y.mean() - (pixels.shape[0] - 1) / 2) < 1 and abs(x.mean() - (pixels.shape[1] - 1) / 2) < 1


def test_cover_fills_the_frame_and_contain_pads_with_black() -> None:
    white = np.full((300, 300, 3), 255, np.uint8)
    assert (frame(white, 192, 256, "cover") == 255).all()
    contained_white = frame(white, 192, 256, "contain")
    assert (contained_white[:, 32:224] == 255).all()
    assert (contained_white[:, :32] == 0).all()
    assert (contained_white[:, 224:] == 0).all()


def test_cover_cuts_equally_at_both_ends() -> None:
    ramp = np.repeat(np.repeat(np.arange(200, dtype=np.uint8)[None, :, None], 100, 0), 3, 2)
    framed = frame(ramp, 100, 100, "cover")
    assert framed[50, 0, 0] == 50
    assert framed[50, 99, 0] == 149


def test_an_image_of_the_frames_size_is_left_as_it_is() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (192, 256, 3), dtype=np.uint8)
    assert frame(pixels, 192, 256, "cover") is pixels
    assert resize_short_side(pixels, 192) is pixels


def test_shrinking_is_antialiased() -> None:
    """A checkerboard of single pixels becomes its mean; picking pixels would give black or white."""
    board = np.indices((400, 400)).sum(0) % 2 * 255
    small = resize_short_side(np.repeat(board[:, :, None], 3, 2).astype(np.uint8), 57)
    assert np.abs(small.astype(int) - 127).max() <= 12


def test_the_same_pixels_on_every_machine() -> None:
    y, x = np.mgrid[0:225, 0:300]
    pixels = np.stack([(x * 7 + y * 3) % 256, (x * y) % 256, (x + y * 5) % 256], 2).astype(np.uint8)
    framed = frame(pixels, 192, 256, "cover")
    assert hashlib.sha256(framed.tobytes()).hexdigest()[:16] == "407c27d7a5cc3bb0"


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 400),
    st.integers(1, 400),
    st.integers(8, 64),
    st.integers(8, 64),
    st.sampled_from(["cover", "contain"]),
)
def test_any_image_fits_any_frame(width: int, height: int, frame_h: int, frame_w: int, rule: str) -> None:
    framed = frame(np.full((height, width, 3), 200, np.uint8), frame_h, frame_w, rule)
    assert framed.shape == (frame_h, frame_w, 3)
    if rule == "cover":
        assert (framed == 200).all()
    else:
        top, left, inner_h, inner_w = contained(width, height, frame_h, frame_w)
        assert (framed[top : top + inner_h, left : left + inner_w] == 200).all()
        assert int((framed == 200).all(2).sum()) == inner_h * inner_w


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 4000), st.integers(1, 4000), st.integers(8, 512), st.integers(8, 512))
def test_the_covering_box_lies_within_the_image_and_has_the_frames_shape(w: int, h: int, fh: int, fw: int) -> None:
    left, top, right, bottom = cover_box(w, h, fh, fw)
    assert 0 <= left < right <= w
    assert 0 <= top < bottom <= h
    assert (right - left) / (bottom - top) == pytest.approx(fw / fh)
    assert right - left == pytest.approx(w) or bottom - top == pytest.approx(h)


@pytest.mark.parametrize(
    ("size", "rule", "expected"),
    [((600, 450), "cover", 192), ((500, 500), "cover", 256), ((900, 450), "cover", 192), ((500, 500), "contain", 192)],
)
def test_the_needed_short_side_is_that_of_the_scaled_image(size: tuple[int, int], rule: str, expected: int) -> None:
    assert needed_short_side(*size, 192, 256, rule) == expected
