"""Paint and noise that the drawn images share: float32 RGB in 0..255, shape [H, W, 3]."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

Floats = NDArray[np.floating[Any]]
Pixels = NDArray[np.uint8]
Colour = Sequence[float] | NDArray[np.floating[Any]]
Rng = np.random.Generator

SKIN: tuple[tuple[int, int, int], ...] = (
    (245, 215, 200),
    (238, 196, 172),
    (226, 176, 150),
    (208, 152, 120),
    (182, 124, 92),
    (140, 92, 66),
    (96, 62, 46),
    (66, 44, 36),
)
"""Skin in daylight, from the lightest to the darkest type."""


def skin_tone(rng: Rng) -> Floats:
    """A skin colour between two neighbours of `SKIN`, with a slight cast."""
    at = rng.uniform(0, len(SKIN) - 1.001)
    low = int(at)
    tone = np.array(SKIN[low]) * (1 - at + low) + np.array(SKIN[low + 1]) * (at - low)
    return np.asarray(np.clip(tone * rng.uniform(0.9, 1.08, 3), 0, 255), np.float32)


def any_colour(rng: Rng) -> Floats:
    """Any colour, dull ones more often than glaring ones."""
    grey = rng.uniform(20, 235)
    return np.asarray(np.clip(grey + rng.normal(0, rng.uniform(5, 70), 3), 0, 255), np.float32)


def blank(height: int, width: int, colour: Colour) -> Floats:
    """A canvas of one colour."""
    return np.tile(np.asarray(colour, np.float32), (height, width, 1))


def resized(field: Floats, height: int, width: int) -> Floats:
    """A single-channel field, interpolated to [height, width]."""
    return np.asarray(Image.fromarray(field).resize((width, height), Image.Resampling.BICUBIC), np.float32)


def cloud(  # noqa: PLR0917 - every drawing calls it
    rng: Rng, height: int, width: int, cells: float, octaves: int = 4, gain: float = 0.5
) -> Floats:
    """Fractal noise of about zero mean and unit spread; `cells` across the width at the coarsest octave."""
    total = np.zeros((height, width), np.float32)
    for octave in range(octaves):
        across = max(2, round(cells * 2**octave))
        down = max(2, round(across * height / width))
        if across > 2 * width:
            break
        total += gain**octave * resized(rng.standard_normal((down, across)).astype(np.float32), height, width)
    return np.asarray((total - total.mean()) / (total.std() + 1e-6))


def ramp(rng: Rng, height: int, width: int) -> Floats:
    """A light that falls off in a random direction, from -1 to 1."""
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    return np.asarray((np.cos(angle) * x + np.sin(angle) * y) / np.sqrt(2), np.float32)


def painted(canvas: Floats, mask: Floats, colour: Colour) -> Floats:
    """`colour` (or a whole picture) laid over the canvas where `mask` is 1; the canvas itself isn't changed."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    result = np.array(canvas, np.float32)
    if len(rows):
        part = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        paint = np.asarray(colour, np.float32)
        paint = paint[part] if paint.ndim == 3 else paint
        result[part] += mask[part][..., None] * (paint - result[part])
    return result


class Stencil:
    """Shapes drawn at twice the size and reduced, so that edges are smooth; coordinates are shares of the sides."""

    def __init__(self, height: int, width: int) -> None:
        self.height, self.width = height, width
        self._image = Image.new("L", (2 * width, 2 * height), 0)
        self.draw = ImageDraw.Draw(self._image)

    def points(self, xy: Any) -> list[tuple[float, float]]:
        """Shares -> the stencil's own coordinates."""
        return [
            (float(x) * 2 * self.width, float(y) * 2 * self.height) for x, y in np.asarray(xy, float).reshape(-1, 2)
        ]

    def polygon(self, xy: Any, value: int = 255) -> Stencil:
        """Fill a polygon."""
        self.draw.polygon(self.points(xy), fill=value)
        return self

    def ellipse(  # noqa: PLR0917 - every drawing calls it
        self, x: float, y: float, rx: float, ry: float, turn: float = 0.0, value: int = 255
    ) -> Stencil:
        """Fill an ellipse round (x, y); radii are shares of the width and of the height, `turn` in radians."""
        t = np.linspace(0, 2 * np.pi, 48, endpoint=False)
        px, py = rx * self.width * np.cos(t), ry * self.height * np.sin(t)
        turned = np.stack([px * np.cos(turn) - py * np.sin(turn), px * np.sin(turn) + py * np.cos(turn)], 1)
        return self.polygon(turned / [self.width, self.height] + [x, y], value)

    def line(self, xy: Any, thickness: float, value: int = 255) -> Stencil:
        """A stroke; `thickness` is a share of the height."""
        self.draw.line(self.points(xy), fill=value, width=max(1, round(thickness * 2 * self.height)), joint="curve")
        return self

    def rectangle(self, x0: float, y0: float, x1: float, y1: float, value: int = 255) -> Stencil:
        """Fill an upright rectangle."""
        self.draw.rectangle(self.points([(min(x0, x1), min(y0, y1)), (max(x0, x1), max(y0, y1))]), fill=value)
        return self

    def mask(self, blur: float = 0.0) -> Floats:
        """The shapes as a mask in 0..1; `blur` is a share of the height."""
        image = self._image
        if blur > 0:
            image = image.filter(ImageFilter.GaussianBlur(2 * blur * self.height))
        small = image.resize((self.width, self.height), Image.Resampling.BOX)
        return np.asarray(small, np.float32) / np.float32(255.0)


def finished(canvas: Floats) -> Pixels:
    """The canvas as uint8 pixels."""
    return np.asarray(np.clip(np.rint(canvas), 0, 255), np.uint8)
