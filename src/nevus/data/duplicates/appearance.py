"""Appearance: whether two images, laid over one another, show the same fine structure."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from nevus.data.duplicates.keypoints import structure_channel

_FINE, _COARSE = 1.2, 5.0
"""Pixels: structure between these two blurs is compared. Coarser than that all round dark lesions look alike."""
_DARK = 30
"""Below it in every channel a pixel belongs to the dark surround of a round field of view."""
_MARGIN = 15
_FEWEST_PIXELS = 1500


@dataclass(frozen=True)
class Agreement:
    """How well two aligned images agree.

    Attributes:
        correlation: of their fine structure where both show skin, -1 to 1; 0 where too little overlaps.
        overlap: the share of the coarser image's area that was compared, 0 to 1.
    """

    correlation: float
    overlap: float


def compare_aligned(a: NDArray[np.uint8], b: NDArray[np.uint8], matrix: NDArray[np.float64]) -> Agreement:
    """Correlate the structure of two images in the frame of the coarser one.

    Brightness, colour and contrast play no part: the band-passed green channel is divided by its local contrast.

    Args:
        a, b: uint8 [H, W, 3] at the working size.
        matrix: [2, 3], from pixels of a to those of b.
    """
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    if scale > 1:
        a, b, matrix, scale = b, a, cv2.invertAffineTransform(matrix), 1 / scale
    size = (b.shape[1], b.shape[0])
    # Shrinking without a blur before would alias hairs into new structure.
    softened = cv2.GaussianBlur(structure_channel(a), (0, 0), max(0.5 * np.sqrt(max(scale**-2 - 1, 0)), 0.3))
    moved = cv2.warpAffine(softened, matrix, size, flags=cv2.INTER_LINEAR).astype(np.float32)
    seen = cv2.warpAffine(_skin(a), matrix, size, flags=cv2.INTER_NEAREST) & _skin(b)
    seen = cv2.erode(seen, np.ones((5, 5), np.uint8))
    if int(seen.sum()) < _FEWEST_PIXELS:
        return Agreement(0.0, float(seen.mean()))
    inside = seen > 0
    x, y = (_structure(image, seen)[inside] for image in (moved, structure_channel(b).astype(np.float32)))
    x, y = x - x.mean(), y - y.mean()
    correlation = float((x * y).mean() / max(float(x.std() * y.std()), 1e-6))
    return Agreement(correlation, float(seen.mean()))


def _skin(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    lit = cv2.GaussianBlur(pixels.max(axis=2), (0, 0), 3) > _DARK
    return np.asarray(cv2.erode(lit.astype(np.uint8), np.ones((_MARGIN, _MARGIN), np.uint8)))


def _structure(image: NDArray[np.float32], seen: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Band-passed within the part that is seen, and divided by the local contrast."""
    weight = seen.astype(np.float32)
    ground = cv2.GaussianBlur(image * weight, (0, 0), _COARSE) / (cv2.GaussianBlur(weight, (0, 0), _COARSE) + 1e-3)
    band = cv2.GaussianBlur(image, (0, 0), _FINE) - ground
    return np.asarray(band / np.sqrt(cv2.GaussianBlur(band * band, (0, 0), 2 * _COARSE) + 1))
