"""Frames with nothing in them: one colour, a ramp, noise, a grid."""

from __future__ import annotations

import numpy as np

from nevus.training.novelty.proxies.canvas import Pixels, Rng, any_colour, blank, cloud, finished, ramp


def black(rng: Rng, height: int, width: int) -> Pixels:
    """A covered lens."""
    return finished(
        blank(height, width, rng.uniform(0, 12, 3)) + rng.normal(0, 1.5, (height, width, 1)).astype(np.float32)
    )


def white(rng: Rng, height: int, width: int) -> Pixels:
    """An empty sheet or an over-exposed frame."""
    return finished(
        blank(height, width, rng.uniform(243, 255, 3)) + rng.normal(0, 1.0, (height, width, 1)).astype(np.float32)
    )


def one_colour(rng: Rng, height: int, width: int) -> Pixels:
    """Any one colour."""
    return finished(blank(height, width, rng.uniform(0, 255, 3)))


def gradient(rng: Rng, height: int, width: int) -> Pixels:
    """One colour that runs into another."""
    share = (ramp(rng, height, width)[..., None] + 1) / 2
    return finished(np.asarray(any_colour(rng) * share + any_colour(rng) * (1 - share), np.float32))


def noise(rng: Rng, height: int, width: int) -> Pixels:
    """White noise, grey or in colour."""
    channels = int(rng.choice([1, 3]))
    field = rng.normal(rng.uniform(80, 170), rng.uniform(25, 80), (height, width, channels))
    return finished(np.broadcast_to(field, (height, width, 3)).astype(np.float32))


def clouds(rng: Rng, height: int, width: int) -> Pixels:
    """Fractal noise in colour: the spectrum of a photograph without its things."""
    cells, gain = 2 ** rng.uniform(1, 5), rng.uniform(0.4, 1.0)
    field = np.stack([cloud(rng, height, width, cells, 6, gain) for _ in range(3)], 2)
    mix = np.eye(3) * rng.uniform(0, 1) + rng.uniform(0, 1)
    return finished(np.asarray(any_colour(rng) + (field @ mix) * rng.uniform(5, 35), np.float32))


def stripes(rng: Rng, height: int, width: int) -> Pixels:
    """Stripes or a chequerboard."""
    y, x = np.mgrid[:height, :width]
    angle, period = rng.uniform(0, np.pi), rng.uniform(4, 90)
    on = np.floor((np.cos(angle) * x + np.sin(angle) * y) / period).astype(int)
    if rng.random() < 0.5:
        on = on + np.floor((np.cos(angle) * y - np.sin(angle) * x) / period).astype(int)
    return finished(np.stack([any_colour(rng), any_colour(rng)])[on % 2].astype(np.float32))
