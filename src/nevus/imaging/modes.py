"""Pillow's many kinds of pixels (grey, palette, alpha, CMYK, 16 bits) to 8-bit RGB."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Change = Literal["alpha_removed", "converted_from_cmyk", "converted_from_16_bit"]
_BITS_PER_SAMPLE = 258
_PNG_DEPTH = 24
"""Offset of the bit depth in a PNG file; TIFF keeps it in the tag above."""


def to_rgb(image: Image.Image, data: bytes) -> tuple[NDArray[np.uint8] | None, list[Change]]:
    """Convert a loaded image; `data` are its file's bytes.

    Transparent parts become white, the ground on which viewers and reports show such pictures; the colours beneath
    full transparency are often garbage. 16-bit values are scaled by 257, so that 65535 becomes 255.

    Returns:
        uint8 [H, W, 3], or None for a kind that can't be converted without guessing (floating point); and what was
        changed.
    """
    changes: list[Change] = ["converted_from_16_bit"] if _sixteen_bits(image, data) else []
    mode = image.mode
    if mode.startswith("I"):
        grey = _grey_from_16_bits(image)
        return grey, ["converted_from_16_bit"]
    if mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        return _on_white(image.convert("RGBA"), changes)
    if mode == "CMYK":
        changes.append("converted_from_cmyk")
    elif mode not in ("RGB", "1", "L", "P", "RGBX", "YCbCr", "HSV", "LAB"):
        return None, changes
    return np.array(image.convert("RGB")), changes


def _grey_from_16_bits(image: Image.Image) -> NDArray[np.uint8] | None:
    wide = np.asarray(image).astype(np.int64)
    if wide.min(initial=0) < 0 or wide.max(initial=0) > 65535:
        return None
    return np.repeat(((wide + 128) // 257).astype(np.uint8)[:, :, None], 3, axis=2)


def _on_white(image: Image.Image, changes: list[Change]) -> tuple[NDArray[np.uint8], list[Change]]:
    pixels = np.asarray(image)
    alpha = pixels[:, :, 3:].astype(np.uint16)
    if alpha.min(initial=255) == 255:
        return np.ascontiguousarray(pixels[:, :, :3]), changes
    mixed = (pixels[:, :, :3] * alpha + 255 * (255 - alpha) + 127) // 255
    return mixed.astype(np.uint8), [*changes, "alpha_removed"]


def _sixteen_bits(image: Image.Image, data: bytes) -> bool:
    if image.format == "PNG":
        return data[_PNG_DEPTH : _PNG_DEPTH + 1] == b"\x10"
    if image.format == "TIFF":
        depth = getattr(image, "tag_v2", {}).get(_BITS_PER_SAMPLE, (8,))
        return 16 in (depth if isinstance(depth, tuple) else (depth,))
    return False
