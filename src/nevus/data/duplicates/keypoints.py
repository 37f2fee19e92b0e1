"""Keypoints: the small structures of an image (pigment dots, network, hairs) that can be found again in another one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

DESCRIPTOR = 128
_CONTRAST = 0.01
"""SIFT's contrast threshold: low, as skin has little contrast; the weakest are cut off by number instead."""
MIRROR = np.arange(DESCRIPTOR).reshape(4, 4, 8)[::-1][:, :, (8 - np.arange(8)) % 8].reshape(-1)
"""`descriptor[MIRROR]` is that of the mirrored patch: rows of cells reversed, orientations counted the other way."""


@dataclass(frozen=True)
class Keypoints:
    """The keypoints of one image, strongest first.

    Attributes:
        frames: float32 [K, 4]: x, y (pixels at the working size), diameter (pixels), angle (radians, image axes).
        descriptors: uint8 [K, 128]: RootSIFT, 255 times the square root of the SIFT histogram with sum 1, so that each
            has length 255 but for rounding.
    """

    frames: NDArray[np.float32]
    descriptors: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.frames)

    def mirrored(self) -> Keypoints:
        """The keypoints that the image would have if it were mirrored on the x axis (y -> -y)."""
        return Keypoints(self.frames * np.array([1, -1, 1, -1], np.float32), self.descriptors[:, MIRROR])


def to_working_size(pixels: NDArray[np.uint8], short_side: int) -> NDArray[np.uint8]:
    """Scale [H, W, 3] down so that the shorter side has `short_side` pixels; a smaller image stays as it is."""
    height, width = pixels.shape[:2]
    scale = short_side / min(height, width)
    if scale >= 1:
        return pixels
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR))


def structure_channel(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The channel in which structure is sought: green, where melanin and blood stand out best from the skin."""
    return np.ascontiguousarray(pixels[..., 1])


def extract_keypoints(pixels: NDArray[np.uint8], count: int) -> Keypoints:
    """The `count` strongest keypoints of an image.

    Strength is contrast times size: by contrast alone, fine texture, which a second photograph doesn't show again,
    would crowd out the structures of the lesion.

    Args:
        pixels: uint8 [H, W, 3] at the working size.
        count: the most to keep.
    """
    found, descriptors = cv2.SIFT_create(nfeatures=0, contrastThreshold=_CONTRAST).detectAndCompute(
        structure_channel(pixels), None
    )
    if not found:
        return Keypoints(np.zeros((0, 4), np.float32), np.zeros((0, DESCRIPTOR), np.uint8))
    frames = np.array([(k.pt[0], k.pt[1], k.size, k.angle) for k in found], np.float32)
    strength = np.array([k.response * k.size for k in found])
    # Ties are broken by place, as OpenCV's order may depend on its threads.
    kept = np.lexsort((frames[:, 3], frames[:, 1], frames[:, 0], -strength))[:count]
    frames = frames[kept]
    frames[:, 3] = np.deg2rad(frames[:, 3])
    return Keypoints(frames, _root(descriptors[kept]))


@contextmanager
def one_opencv_thread() -> Iterator[None]:
    """Keep OpenCV from starting threads of its own while nevus' workers call it."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


def _root(descriptors: NDArray[np.float32]) -> NDArray[np.uint8]:
    share = descriptors / np.maximum(descriptors.sum(axis=1, keepdims=True), 1e-9)
    root: NDArray[np.uint8] = np.minimum(np.sqrt(share) * 255 + 0.5, 255).astype(np.uint8)
    return root
