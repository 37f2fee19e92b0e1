"""From pigment to pixels: the skin round the lesion, the light, the lens, and what lies on the skin."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from nevus.data.synthetic.canvas import EXTENT, Pigment
from nevus.data.synthetic.randomness import Field, fractal, smooth

MELANIN = np.array((0.55, 0.95, 1.35), np.float32)
DERMAL = np.array((1.20, 0.85, 0.52), np.float32)
BLOOD = np.array((0.12, 1.05, 0.85), np.float32)
BARE = np.array((0.93, 0.80, 0.71), np.float32)
KERATIN = np.array((0.97, 0.91, 0.84), np.float32)


@dataclass(frozen=True)
class Clinic:
    """What a clinic's camera does to all its pictures."""

    name: str
    white_balance: tuple[float, float, float]
    vignette: float
    blur: float
    noise: float


CLINICS = (
    Clinic("clinic_north", (1.00, 1.00, 1.00), 0.10, 0.45, 0.012),
    Clinic("clinic_harbour", (1.04, 0.98, 0.92), 0.32, 0.60, 0.018),
    Clinic("clinic_valley", (0.95, 1.00, 1.07), 0.02, 0.35, 0.010),
)


def photograph(
    rng: np.random.Generator, pigment: Pigment, *, width: int, height: int, tone: float, clinic: Clinic
) -> NDArray[np.uint8]:
    """Take one picture of a lesion.

    Args:
        rng: the picture's randomness: angle, distance, light, hairs.
        pigment: the lesion, in its own coordinates.
        width: pixels.
        height: pixels.
        tone: melanin of the skin round it, optical density.
        clinic: the camera.

    Returns:
        uint8 [height, width, 3], RGB.
    """
    melanin, dermal, blood, keratin = _look(rng, pigment, width, height)
    grain = smooth(rng, height, width, 42)
    melanin += (
        np.float32(tone + 0.05) * (1 + np.float32(0.1) * fractal(rng, height, width, 10)) + np.float32(0.012) * grain
    )
    blood += np.float32(0.06) * (1 + np.float32(0.5) * fractal(rng, height, width, 3, 2))
    blood = np.maximum(blood, 0)
    melanin = np.maximum(melanin, 0)
    _add_hairs(rng, melanin)
    keratin = np.clip(keratin, 0, 0.85)
    light = _light(rng, width, height, clinic)
    picture = np.empty((height, width, 3), np.float32)
    balance = np.array(clinic.white_balance) * rng.normal(1, 0.022, 3)
    for channel in range(3):
        density = melanin * MELANIN[channel]
        density += dermal * DERMAL[channel]
        density += blood * BLOOD[channel]
        colour = BARE[channel] * np.exp(-density)
        colour += keratin * (KERATIN[channel] - colour)
        picture[:, :, channel] = colour * light * np.float32(balance[channel])
    _add_bubbles(rng, picture)
    cv2.GaussianBlur(picture, (0, 0), clinic.blur * rng.uniform(0.8, 1.3) * height / 120, picture)
    noise = rng.standard_normal((height, width), dtype=np.float32)
    picture += (noise * np.float32(clinic.noise))[:, :, None]
    picture *= 255
    picture += np.float32(0.5)
    return np.asarray(np.clip(picture, 0, 255), np.uint8)


def _look(rng: np.random.Generator, pigment: Pigment, width: int, height: int) -> list[Field]:
    """The pigment maps as the camera sees them: turned, scaled and shifted."""
    size = len(pigment.melanin)
    radius = rng.uniform(0.30, 0.42) * height
    scale = radius / (size / (2 * EXTENT))
    turn = cv2.getRotationMatrix2D((size / 2, size / 2), rng.uniform(0, 360), scale)
    turn[0, 2] += width / 2 - size / 2 + rng.normal(0, 0.05) * width
    turn[1, 2] += height / 2 - size / 2 + rng.normal(0, 0.04) * height
    stacked = np.dstack((pigment.melanin, pigment.dermal, pigment.blood, pigment.keratin))
    seen = cv2.warpAffine(stacked, turn, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return [np.ascontiguousarray(seen[:, :, channel]) for channel in range(4)]


def _light(rng: np.random.Generator, width: int, height: int, clinic: Clinic) -> Field:
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    exposure = rng.normal(0.97, 0.06)
    slope = rng.normal(0, 0.05, 2)
    plane = np.float32(exposure) + np.float32(slope[0]) * x + np.float32(slope[1]) * y
    return np.asarray(plane * (1 - clinic.vignette * np.clip(x * x + y * y - 0.5, 0, None)), np.float32)


def _add_hairs(rng: np.random.Generator, melanin: Field) -> None:
    """Dark curved lines over the whole picture, in about every second one."""
    count = int(max(0, rng.normal(0, 4)))
    if not count:
        return
    height, width = melanin.shape
    drawn = np.zeros((height, width), np.uint8)
    along = np.linspace(0, 1, 12)
    main = rng.uniform(0, np.pi)
    for _ in range(count):
        angle = main + rng.normal(0, 0.5)
        length = rng.uniform(0.4, 1.1) * height
        start = rng.uniform(-0.1, 1.1, 2) * np.array((width, height))
        bend = rng.normal(0, 0.18) * length
        forward, aside = np.array((np.cos(angle), np.sin(angle))), np.array((-np.sin(angle), np.cos(angle)))
        line = start + np.outer(along * length, forward) + np.outer(bend * along**2, aside)
        points = np.round(line * 16).astype(np.int32).reshape(-1, 1, 2)
        cv2.polylines(drawn, [points], False, int(rng.integers(110, 230)), max(1, round(height / 150)), cv2.LINE_AA, 4)
    melanin += drawn.astype(np.float32) * np.float32(rng.uniform(0.7, 1.5) / 255)


def _add_bubbles(rng: np.random.Generator, picture: NDArray[np.float32]) -> None:
    """Air in the immersion gel: bright rings."""
    if rng.random() > 0.15:
        return
    height, width = picture.shape[:2]
    drawn = np.zeros((height, width), np.uint8)
    for _ in range(int(rng.integers(1, 4))):
        centre = (int(rng.uniform(0, width) * 16), int(rng.uniform(0, height) * 16))
        cv2.circle(drawn, centre, int(rng.uniform(0.015, 0.04) * height * 16), 255, 1, cv2.LINE_AA, 4)
    picture += (drawn.astype(np.float32) * np.float32(0.3 / 255))[:, :, None]
