"""Measures of an image's technical quality, on the pixels that the model sees, and where they make it unusable."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

QualityReason = Literal["too_small", "blank", "blurred", "over_exposed"]

_BRIGHT = 250
_DARK = 8


@dataclass(frozen=True)
class Quality:
    """Measured on the framed input, so that neither the file's size nor its compression setting decides.

    sharpness: variance of the 4-neighbour Laplacian of the luma (0..255), in squared grey levels.
    contrast: standard deviation of the luma / 255.
    brightness: mean luma / 255.
    over_exposed, under_exposed: share of pixels whose luma is at least 250, at most 8.
    """

    sharpness: float
    contrast: float
    brightness: float
    over_exposed: float
    under_exposed: float

    def as_dict(self) -> dict[str, float]:
        """Measure -> value."""
        return asdict(self)


class Limits(Protocol):
    """The limits of `nevus.bundle.schema.QualityLimits`; None means that a measure isn't judged."""

    @property
    def min_short_side(self) -> int:
        """Pixels of the original image."""

    @property
    def min_sharpness(self) -> float | None:
        """Below it: blurred."""

    @property
    def min_contrast(self) -> float | None:
        """Below it: blank."""

    @property
    def max_over_exposed(self) -> float | None:
        """Above it: over-exposed."""


def measure_quality(pixels: NDArray[np.uint8]) -> Quality:
    """Measure uint8 [H, W, 3] with H, W >= 3."""
    luma = _luma(pixels)
    counts = np.array(Image.fromarray(luma).histogram())
    levels = np.arange(256)
    total = luma.size
    mean = float(counts @ levels) / total
    variance = max(0.0, float(counts @ (levels * levels)) / total - mean * mean)
    laplacian = _laplacian(luma)
    slope = int(laplacian.sum(dtype=np.int64)) / laplacian.size
    squares = int(np.square(laplacian, dtype=np.int32).sum(dtype=np.int64))
    return Quality(
        sharpness=max(0.0, squares / laplacian.size - slope * slope),
        contrast=variance**0.5 / 255,
        brightness=mean / 255,
        over_exposed=float(counts[_BRIGHT:].sum()) / total,
        under_exposed=float(counts[: _DARK + 1].sum()) / total,
    )


def mean_colours(pixels: NDArray[np.uint8]) -> dict[str, float]:
    """Mean red, green and blue of uint8 [H, W, 3] as shares of 255, on every eighth pixel of every eighth row."""
    some = pixels[::8, ::8].reshape(-1, 3)
    sums = np.add.reduce(some, axis=0, dtype=np.int64).tolist()
    return {name: total / len(some) / 255 for name, total in zip(("red", "green", "blue"), sums, strict=True)}


def quality_reasons(quality: Quality, width: int, height: int, limits: Limits) -> tuple[QualityReason, ...]:
    """Why an image of `width` x `height` original pixels is unusable; empty where it is usable."""
    reasons: list[QualityReason] = []
    if min(width, height) < limits.min_short_side:
        reasons.append("too_small")
    blank = limits.min_contrast is not None and quality.contrast < limits.min_contrast
    if blank:
        reasons.append("blank")
    if limits.min_sharpness is not None and quality.sharpness < limits.min_sharpness and not blank:
        reasons.append("blurred")  # a blank image has nothing that could be sharp
    if limits.max_over_exposed is not None and quality.over_exposed > limits.max_over_exposed:
        reasons.append("over_exposed")
    return tuple(reasons)


def _luma(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """ITU-R BT.601 luma in fixed point: (77 R + 150 G + 29 B) / 256."""
    weighted = pixels[:, :, 0] * np.uint16(77)
    weighted += pixels[:, :, 1] * np.uint16(150)
    weighted += pixels[:, :, 2] * np.uint16(29)
    return (weighted >> 8).astype(np.uint8)


def _laplacian(luma: NDArray[np.uint8]) -> NDArray[np.int16]:
    """The 4-neighbour Laplacian within the border, int16 [H - 2, W - 2]; on whole rows, one behind the other."""
    height, width = luma.shape
    flat = luma.astype(np.int16).ravel()
    centre = flat[width:-width]
    found = flat[: -2 * width] + flat[2 * width :]
    found -= centre << 2
    found[1:] += centre[:-1]
    found[:-1] += centre[1:]
    return found.reshape(height - 2, width)[:, 1:-1]
