"""Drawn lesions, and second photographs of them."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


def draw_lesion(seed: int, height: int = 225, width: int = 300) -> Pixels:
    """A spot with pigment dots and a few hairs on mottled skin; no two seeds share a structure."""
    random = np.random.default_rng(seed)
    shade = np.zeros((height, width), np.float32)
    for sigma, strength in ((2, 5), (5, 14), (16, 30)):
        noise = cv2.GaussianBlur(random.normal(size=(height, width)).astype(np.float32), (0, 0), sigma)
        shade += strength * noise / noise.std()
    y, x = np.mgrid[:height, :width]
    radius = np.hypot((x - width / 2) / random.uniform(50, 80), (y - height / 2) / random.uniform(40, 70))
    inside = 1 / (1 + np.exp(8 * (radius - 1)))
    dots = np.zeros((height, width), np.float32)
    for _ in range(60):
        centre = int(random.uniform(0, width)), int(random.uniform(0, height))
        cv2.circle(dots, centre, int(random.integers(1, 5)), float(random.uniform(25, 60)), -1, cv2.LINE_AA)
    grey = 190 - 70 * inside + shade * (0.4 + inside) - dots
    pixels = np.stack([grey + 20, grey, grey - 5], axis=2)
    return np.clip(pixels, 0, 255).astype(np.uint8)


def photograph_again(
    pixels: Pixels,
    *,
    scale: float = 1.0,
    degrees: float = 0.0,
    mirrored: bool = False,
    gain: float = 1.0,
    noise: float = 0.0,
) -> tuple[Pixels, NDArray[np.float64]]:
    """The lesion turned about its centre, zoomed, recoloured and noisy; with the map from old to new pixels."""
    height, width = pixels.shape[:2]
    turn = scale * np.exp(1j * np.deg2rad(-degrees))
    sign = -1 if mirrored else 1
    linear = np.array([[turn.real, -turn.imag * sign], [turn.imag, turn.real * sign]])
    centre = np.array([(width - 1) / 2, (height - 1) / 2])
    matrix = np.column_stack([linear, centre - linear @ centre])
    moved = cv2.warpAffine(pixels, matrix, (width, height), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REFLECT)
    values = moved.astype(np.float32) * gain * np.array([1.0, 0.95, 0.85], np.float32)
    values += np.random.default_rng(0).normal(size=values.shape).astype(np.float32) * noise
    return np.clip(values, 0, 255).astype(np.uint8), matrix


@pytest.fixture(scope="session")
def lesion() -> Callable[..., Pixels]:
    """Draws a lesion by its seed."""
    return draw_lesion


@pytest.fixture(scope="session")
def again() -> Callable[..., tuple[Pixels, NDArray[np.float64]]]:
    """Photographs a lesion a second time."""
    return photograph_again
