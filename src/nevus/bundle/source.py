"""From what a caller has (a path, bytes, pixels) to what the graph takes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nevus.bundle.schema import InputSpec
from nevus.imaging.decode import DecodedImage, DecodeLimits, decode_image, read_image
from nevus.imaging.resize import frame, needed_short_side

Source = str | Path | bytes | NDArray[np.uint8] | DecodedImage
"""A path, a file's bytes, decoded upright pixels uint8 [H, W, 3], RGB, or an image that `decode_image` gave."""


def decode_source(image: Source, limits: DecodeLimits, spec: InputSpec | None = None) -> DecodedImage:
    """Decode an image: in full, or with no more pixels than the input of `spec` needs.

    Raises:
        UnreadableImageError: it isn't an image that can be used.
        ValueError: an array of another type or shape.
    """
    if isinstance(image, DecodedImage):
        return image
    if isinstance(image, np.ndarray):
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
            raise ValueError(f"decoded pixels must be uint8 [H, W, 3], not {image.dtype} {list(image.shape)}")
        return DecodedImage(image, image.shape[1], image.shape[0], "array")

    def needed(width: int, height: int) -> int:
        if spec is None:
            return min(width, height)
        return needed_short_side(width, height, spec.height, spec.width, spec.rule)

    if isinstance(image, bytes):
        return decode_image(image, limits=limits, min_short_side=needed)
    return read_image(image, limits=limits, min_short_side=needed)


def framed_input(pixels: NDArray[np.uint8], spec: InputSpec) -> NDArray[np.uint8]:
    """Pixels [H, W, 3] in the input's frame."""
    return frame(pixels, spec.height, spec.width, spec.rule)
