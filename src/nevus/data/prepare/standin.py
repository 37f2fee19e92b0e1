"""Stand-in until nevus.imaging and nevus.data.reading are there."""

from __future__ import annotations

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image
from upath import UPath

Pixels = NDArray[np.uint8]


def read_bytes(uri: str) -> bytes:
    """Bytes of a file."""
    return bytes(UPath(uri).read_bytes())


def decode_image(data: bytes, *, min_short_side: int = 0) -> Pixels:
    """Decode."""
    decoded: Pixels = simplejpeg.decode_jpeg(data, "RGB", min_height=min_short_side, min_width=min_short_side)
    return decoded


def resize_short_side(pixels: Pixels, short_side: int) -> Pixels:
    """Resize."""
    height, width = pixels.shape[:2]
    scale = short_side / min(height, width)
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR, reducing_gap=None))
