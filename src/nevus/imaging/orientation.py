"""EXIF orientation: where a camera noted how it was held, the pixels are turned upright."""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

_SEARCHED = 1 << 17
_MOST_ENTRIES = 512


def exif_orientation(jpeg: bytes) -> int:
    """The EXIF orientation of a JPEG, 1..8; 1 (upright) where there is none or it is damaged."""
    start = jpeg.find(b"Exif\x00\x00", 0, _SEARCHED)
    if start < 0:
        return 1
    tiff = jpeg[start + 6 : start + 6 + _SEARCHED]
    order = {b"II*\x00": "<", b"MM\x00*": ">"}.get(tiff[:4])
    if order is None:
        return 1
    try:
        (directory,) = struct.unpack_from(order + "I", tiff, 4)
        (entries,) = struct.unpack_from(order + "H", tiff, directory)
        for entry in range(min(entries, _MOST_ENTRIES)):
            tag, kind, _, value = struct.unpack_from(order + "HHIH", tiff, directory + 2 + 12 * entry)
            if tag == 0x0112 and kind == 3:
                return value if 1 <= value <= 8 else 1
    except struct.error:
        return 1
    return 1


def turn_upright(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Undo an EXIF orientation (1..8) of pixels [H, W, ...]; 5..8 swap the sides."""
    if orientation == 1:
        return pixels
    if orientation >= 5:
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)
