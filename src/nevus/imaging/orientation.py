"""EXIF orientation: where a camera noted how it was held, the pixels are turned upright."""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

_EXIF = b"Exif\x00\x00"
_APP1, _EOI, _SOS = 0xE1, 0xD9, 0xDA
_ALONE = frozenset({0x00, 0x01, *range(0xD0, 0xD9)})
"""After FF: markers without a segment, and what is none."""
_MOST_SEGMENTS = 4096
_MOST_ENTRIES = 512


def exif_orientation(jpeg: bytes) -> int:
    """The EXIF orientation of a JPEG, 1..8; 1 (upright) where there is none or it is damaged."""
    tiff = _exif(jpeg)
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


def _exif(jpeg: bytes) -> bytes:
    """The first EXIF segment's TIFF structure; empty where there is none before the first scan."""
    at = 2
    for _ in range(_MOST_SEGMENTS):
        at = jpeg.find(b"\xff", at)  # decoders skip what lies between segments
        if at < 0 or at + 4 > len(jpeg):
            break
        kind = jpeg[at + 1]
        if kind == 0xFF:  # padding
            at += 1
        elif kind in _ALONE:
            at += 2
        elif kind in (_EOI, _SOS):
            break
        else:
            end = at + 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
            if kind == _APP1 and jpeg.startswith(_EXIF, at + 4):
                return jpeg[at + 4 + len(_EXIF) : end]
            at = max(end, at + 4)
    return b""


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
