"""Images inside the page, as data addresses: a page is one file that shows the same anywhere."""

from __future__ import annotations

import base64
from dataclasses import dataclass

import numpy as np
import simplejpeg
from markupsafe import Markup
from numpy.typing import NDArray
from PIL import Image


@dataclass(frozen=True)
class Thumbnail:
    """An embedded image: `src` for an img element, and its size in pixels."""

    src: Markup
    width: int
    height: int


def embed_image(pixels: NDArray[np.uint8], *, max_side: int = 320, quality: int = 85) -> Thumbnail:
    """Shrink [H, W, 3] so that its longer side has at most `max_side` pixels, and encode it as JPEG."""
    height, width = pixels.shape[:2]
    scale = min(1.0, max_side / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    if scale < 1:
        pixels = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS))
    data = simplejpeg.encode_jpeg(
        np.ascontiguousarray(pixels), quality=quality, colorspace="RGB", colorsubsampling="420"
    )
    return Thumbnail(Markup("data:image/jpeg;base64," + base64.b64encode(data).decode()), *size)  # noqa: S704 - base64
