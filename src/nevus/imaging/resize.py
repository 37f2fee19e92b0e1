"""Scaling and framing, with the aspect ratio kept: asymmetry is a sign, so nothing is ever squashed."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Rule = Literal["cover", "contain"]
Box = tuple[float, float, float, float]
"""left, top, right, bottom, in pixels of the image."""

_FILTER = Image.Resampling.BILINEAR
"""Pillow widens the filter by the scale when it shrinks (antialiasing) and computes in fixed point, so that the
result is the same on every machine."""


def resize_short_side(pixels: NDArray[np.uint8], short_side: int) -> NDArray[np.uint8]:
    """Scale [H, W, 3] so that the shorter side has `short_side` pixels; the longer one follows the aspect ratio."""
    height, width = pixels.shape[:2]
    scale = short_side / min(height, width)
    return _resize(pixels, max(1, round(height * scale)), max(1, round(width * scale)))


def frame(pixels: NDArray[np.uint8], height: int, width: int, rule: Rule = "cover") -> NDArray[np.uint8]:
    """Put [H, W, 3] into a frame of `height` x `width`.

    `cover`: scale so that the image covers the frame and cut off the rest, equally at both ends.
    `contain`: scale so that the image fits into the frame and pad with black, equally at both ends.
    An image that has the frame's size already is returned as it is.
    """
    if pixels.shape[:2] == (height, width):
        return pixels
    if rule == "cover":
        return _resize(pixels, height, width, cover_box(pixels.shape[1], pixels.shape[0], height, width))
    top, left, inner_height, inner_width = contained(pixels.shape[1], pixels.shape[0], height, width)
    framed = np.zeros((height, width, 3), np.uint8)
    framed[top : top + inner_height, left : left + inner_width] = _resize(pixels, inner_height, inner_width)
    return framed


def cover_box(image_width: int, image_height: int, height: int, width: int) -> Box:
    """The centred part of an image that `cover` puts into a frame of `height` x `width`."""
    scale = max(height / image_height, width / image_width)
    box_width, box_height = min(image_width, width / scale), min(image_height, height / scale)
    left, top = (image_width - box_width) / 2, (image_height - box_height) / 2
    return left, top, left + box_width, top + box_height


def contained(image_width: int, image_height: int, height: int, width: int) -> tuple[int, int, int, int]:
    """Where `contain` puts an image in a frame of `height` x `width`: top, left, height, width, in frame pixels."""
    scale = min(height / image_height, width / image_width)
    inner_height = min(height, max(1, round(image_height * scale)))
    inner_width = min(width, max(1, round(image_width * scale)))
    return (height - inner_height) // 2, (width - inner_width) // 2, inner_height, inner_width


def needed_short_side(image_width: int, image_height: int, height: int, width: int, rule: Rule) -> int:
    """The short side, in pixels, from which an image needs no enlarging for a frame of `height` x `width`."""
    sides = (height / image_height, width / image_width)
    scale = max(sides) if rule == "cover" else min(sides)
    return math.ceil(min(image_width, image_height) * scale - 1e-9)


def _resize(pixels: NDArray[np.uint8], height: int, width: int, box: Box | None = None) -> NDArray[np.uint8]:
    if pixels.shape[:2] == (height, width) and box is None:
        return pixels
    return np.array(Image.fromarray(pixels).resize((width, height), _FILTER, box=box))
