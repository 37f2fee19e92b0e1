"""Randomness by name, so that a lesion looks the same whatever was drawn before it, and smooth random fields."""

from __future__ import annotations

import hashlib
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

Field: TypeAlias = NDArray[np.float32]
"""float32 [height, width]."""


def generator(seed: int, *names: object) -> np.random.Generator:
    """The random numbers of one thing: a function of the seed and its names alone."""
    digest = hashlib.sha256("/".join(map(str, (seed, *names))).encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest[:16], "little")))


def smooth(rng: np.random.Generator, height: int, width: int, cells: float) -> Field:
    """A smooth field of mean about 0 and deviation about 1, with `cells` bumps along its height."""
    rows = max(2, round(cells) + 2)
    columns = max(2, round(cells * width / height) + 2)
    coarse = rng.standard_normal((rows, columns), dtype=np.float32)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)


def fractal(rng: np.random.Generator, height: int, width: int, cells: float, octaves: int = 3) -> Field:
    """Smooth fields of doubling frequency and halving weight, deviation about 1."""
    total = smooth(rng, height, width, cells)
    weight = 1.0
    for octave in range(1, octaves):
        weight /= 2
        total += np.float32(weight) * smooth(rng, height, width, cells * 2**octave)
    return total / np.float32(1.2)


def step(values: Field, edge: float, width: float) -> Field:
    """0 below `edge`, 1 above it, a smooth ramp of `width` between."""
    ramp = np.clip((values - np.float32(edge)) / np.float32(width) + np.float32(0.5), 0, 1)
    return np.asarray(ramp * ramp * (3 - 2 * ramp), np.float32)
