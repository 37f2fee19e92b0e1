"""The lesion's own canvas: maps of pigment in the lesion's coordinates, before any camera looks at it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from nevus.data.synthetic.randomness import Field, fractal, step

EXTENT = 1.35
"""The canvas shows -EXTENT..EXTENT lesion radii in both directions."""


@dataclass
class Pigment:
    """What lies in the skin at each point; all maps [S, S], 0 for plain skin.

    melanin: brown, optical density; dermal: deep melanin, which scatters to blue-grey; blood: red; keratin: white,
    as a share 0..1.
    """

    melanin: Field
    dermal: Field
    blood: Field
    keratin: Field

    @classmethod
    def none(cls, size: int) -> Pigment:
        """Plain skin."""
        return cls(*(np.zeros((size, size), np.float32) for _ in range(4)))


@lru_cache(maxsize=8)
def coordinates(size: int) -> tuple[Field, Field, Field, Field]:
    """x, y, radius (lesion radii) and angle (0..2 pi) of the canvas' points."""
    line = np.linspace(-EXTENT, EXTENT, size, dtype=np.float32)
    x, y = np.meshgrid(line, line)
    return x, y, np.hypot(x, y), np.mod(np.arctan2(y, x), np.float32(2 * np.pi))


def outline(
    rng: np.random.Generator, size: int, *, asymmetry: float, irregularity: float, elongation: float = 0.12
) -> Field:
    """How far each point lies outside the border, in lesion radii; negative inside.

    Args:
        rng: the lesion's randomness.
        size: of the canvas, pixels.
        asymmetry: amplitude of the slow waves of the border, which break both axes of symmetry.
        irregularity: amplitude of its notches.
        elongation: how far from round the ellipse is.
    """
    angles = np.linspace(0, 2 * np.pi, 257, dtype=np.float32)
    border = 1 + elongation * rng.uniform(0.2, 1) * np.cos(2 * (angles - rng.uniform(0, np.pi)))
    for wave in (1, 2, 3):
        border += asymmetry * rng.normal(0, 0.6) * np.cos(wave * angles + rng.uniform(0, 2 * np.pi)) / wave**0.5
    for wave in range(4, 12):
        border += irregularity * rng.normal(0, 0.33) * np.cos(wave * angles + rng.uniform(0, 2 * np.pi))
    border *= 0.86 / np.sqrt(np.mean(border[:-1] ** 2))
    _, _, radius, angle = coordinates(size)
    jitter = fractal(rng, size, size, 9, 2) * np.float32(0.015 + 0.06 * irregularity)
    at = np.interp(angle.ravel(), angles, np.maximum(border, 0.25)).astype(np.float32).reshape(size, size)
    return np.asarray(radius - at + jitter, np.float32)


def dots(
    rng: np.random.Generator, size: int, where: Field, *, count: int, radius: tuple[float, float], soft: float = 0.0
) -> Field:
    """Up to `count` round dots of `radius` (least, most; lesion radii) where `where` is high; 0..1."""
    drawn = np.zeros((size, size), np.uint8)
    scale = size / (2 * EXTENT)
    places = rng.integers(0, size, (count * 4, 2))
    places = places[where[places[:, 1], places[:, 0]] > rng.uniform(0.2, 0.8, len(places))][:count]
    for x, y in places:
        pixels = rng.uniform(*radius) * scale
        squeeze = rng.uniform(0.75, 1)
        axes = (max(int(pixels * 16), 8), max(int(pixels * squeeze * 16), 8))
        cv2.ellipse(
            drawn, (int(x) * 16, int(y) * 16), axes, rng.uniform(0, 180), 0, 360, int(rng.integers(170, 256)), -1, 16, 4
        )
    field = drawn.astype(np.float32) / np.float32(255)
    return np.asarray(cv2.GaussianBlur(field, (0, 0), soft * scale), np.float32) if soft else field


def honeycomb(rng: np.random.Generator, size: int, *, cells: float, warp: float, thickness: float) -> Field:
    """The lines of a network with `cells` meshes along the lesion's radius; `warp` makes it irregular; 0..1."""
    x, y, _, _ = coordinates(size)
    turn = rng.uniform(0, np.pi)
    k = np.float32(2 * np.pi * cells * 2 / 3**0.5)
    if warp:
        x = x + fractal(rng, size, size, 5, 2) * np.float32(warp / cells)
        y = y + fractal(rng, size, size, 5, 2) * np.float32(warp / cells)
    waves = np.zeros((size, size), np.float32)
    for third in range(3):
        angle = turn + third * np.pi / 3 * 2
        waves += np.cos(k * (np.float32(np.cos(angle)) * x + np.float32(np.sin(angle)) * y))
    # the sum runs from -1.5 (between meshes) to 3 (a mesh's centre)
    return 1 - step(waves, -0.9 + 1.3 * thickness, 1.1)


def ridges(rng: np.random.Generator, size: int, *, bands: float) -> Field:
    """Brain-like ridges: bands along the level lines of a smooth field; 0..1."""
    return np.asarray(0.5 + 0.5 * np.sin(fractal(rng, size, size, 3.5, 2) * np.float32(bands)), np.float32)


def branches(rng: np.random.Generator, size: int, *, trunks: int, thickness: float) -> Field:
    """Vessels that branch like trees and thin out; 0..1."""
    drawn = np.zeros((size, size), np.uint8)
    scale = size / (2 * EXTENT)
    for _ in range(trunks):
        angle = rng.uniform(0, 2 * np.pi)
        start = np.array([np.cos(angle), np.sin(angle)]) * rng.uniform(0.55, 0.95)
        inward = angle + np.pi + rng.normal(0, 0.5)
        _grow(rng, drawn, scale, at=start, angle=inward, thickness=thickness, depth=0)
    return np.asarray(cv2.GaussianBlur(drawn, (0, 0), 0.4), np.float32) / np.float32(255)


def _grow(
    rng: np.random.Generator,
    drawn: np.ndarray[tuple[int, ...], np.dtype[np.uint8]],
    scale: float,
    *,
    at: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    angle: float,
    thickness: float,
    depth: int,
) -> None:
    points = [at]
    for _ in range(int(rng.integers(5, 9))):
        angle += rng.normal(0, 0.35)
        at = at + 0.11 * np.array([np.cos(angle), np.sin(angle)])
        points.append(at)
        if depth < 2 and rng.random() < 0.42:
            side = rng.choice([-1, 1]) * rng.uniform(0.5, 1.0)
            _grow(rng, drawn, scale, at=at, angle=angle + side, thickness=thickness * 0.65, depth=depth + 1)
    line = np.round((np.array(points) + EXTENT) * scale * 16).astype(np.int32)
    width = thickness * scale
    strength = 255 if width >= 1 else int(255 * max(width, 0.45))
    cv2.polylines(drawn, [line.reshape(-1, 1, 2)], False, strength, max(1, round(width)), cv2.LINE_AA, 4)
