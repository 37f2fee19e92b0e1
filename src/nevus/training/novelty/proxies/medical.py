"""Medical pictures that aren't dermoscopy: X-ray, histology, fundus, endoscopy, ultrasound, clinical photographs."""

from __future__ import annotations

import numpy as np

from nevus.training.novelty.proxies.canvas import (
    Floats,
    Pixels,
    Rng,
    Stencil,
    any_colour,
    blank,
    cloud,
    finished,
    painted,
    ramp,
    skin_tone,
)
from nevus.training.novelty.proxies.living import backdrop
from nevus.training.novelty.proxies.surfaces import skin


def xray(rng: Rng, height: int, width: int) -> Pixels:
    """A chest film: dark lungs, spine, ribs, heart."""
    grey = blank(height, width, (rng.uniform(110, 170),) * 3)
    for side in (-1, 1):
        lung = Stencil(height, width).ellipse(0.5 + side * 0.2, 0.5, 0.15, 0.36, side * 0.12)
        grey = painted(grey, lung.mask(0.03), (rng.uniform(25, 60),) * 3)
        for rib in np.linspace(0.15, 0.85, 9):
            t = np.linspace(0, 1, 12)
            arc = np.stack([0.5 + side * 0.4 * np.sin(t * 2), rib + 0.12 * t**2 - 0.04], 1)
            grey = painted(grey, Stencil(height, width).line(arc, 0.02).mask(0.006) * np.float32(0.3), (205,) * 3)
    grey = painted(grey, Stencil(height, width).rectangle(0.46, 0, 0.54, 1).mask(0.02) * np.float32(0.6), (215,) * 3)
    grey = painted(
        grey, Stencil(height, width).ellipse(0.57, 0.62, 0.13, 0.18, 0.5).mask(0.03) * np.float32(0.8), (190,) * 3
    )
    grey = painted(grey, 1 - Stencil(height, width).ellipse(0.5, 0.6, 0.5, 0.75).mask(0.02), (12,) * 3)
    return finished(grey + cloud(rng, height, width, 80, 2)[..., None] * 5)


def histology(rng: Rng, height: int, width: int) -> Pixels:
    """Stained tissue: pink ground with fibres, purple nuclei, white gaps."""
    canvas: Floats = blank(height, width, rng.uniform((215, 150, 185), (245, 195, 220)))
    canvas = canvas + cloud(rng, height, width, 14, 4, 0.8)[..., None] * np.array([7, 14, 8], np.float32)
    canvas = painted(canvas, (cloud(rng, height, width, 7, 3) > 1.4).astype(np.float32), (246, 242, 246))
    nuclei, size = Stencil(height, width), rng.uniform(0.006, 0.02)
    dense = cloud(rng, height, width, 5, 2)
    for x, y in rng.uniform(0, 1, (int(rng.integers(150, 500)), 2)):
        if dense[int(y * height), int(x * width)] > rng.normal(0, 0.7):
            nuclei.ellipse(x, y, size * rng.uniform(0.6, 1.4), size * rng.uniform(0.8, 1.8), rng.uniform(0, np.pi))
    return finished(painted(canvas, nuclei.mask(0.002) * np.float32(0.85), rng.uniform((70, 40, 110), (120, 80, 160))))


def fundus(rng: Rng, height: int, width: int) -> Pixels:
    """The back of an eye: an orange disc on black, branching vessels, the bright nerve head."""
    canvas: Floats = (
        blank(height, width, rng.uniform((170, 70, 25), (220, 120, 60))) + cloud(rng, height, width, 6)[..., None] * 7
    )
    x, y = 0.5 + rng.choice([-1, 1]) * rng.uniform(0.1, 0.22), rng.uniform(0.45, 0.55)
    vessels = Stencil(height, width)
    for start in rng.uniform(0, 2 * np.pi, int(rng.integers(6, 12))):
        path = np.cumsum(
            np.stack(
                [np.cos(start + np.cumsum(rng.normal(0, 0.2, 25))), np.sin(start + np.cumsum(rng.normal(0, 0.2, 25)))],
                1,
            ),
            0,
        )
        vessels.line(path * 0.025 + [x, y], rng.uniform(0.006, 0.018))
    canvas = painted(canvas, vessels.mask(0.002) * np.float32(0.7), (120, 25, 15))
    canvas = painted(canvas, Stencil(height, width).ellipse(x, y, 0.05, 0.07).mask(0.01), (250, 215, 150))
    disc = Stencil(height, width).ellipse(0.5, 0.5, 0.49 * height / width, 0.49).mask(0.004)
    return finished(painted(blank(height, width, (3, 3, 3)), disc, canvas))


def endoscopy(rng: Rng, height: int, width: int) -> Pixels:
    """Wet folds round a dark opening, with highlights."""
    x, y = rng.uniform(0.3, 0.7, 2)
    v, u = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    depth = np.hypot((u - x) * width / height, v - y) + 0.05 * cloud(rng, height, width, 4, 3)
    folds = np.sin(14 / (depth + 0.25))
    light = np.clip(depth * 1.6, 0.05, 1)[..., None]
    canvas: Floats = rng.uniform((190, 80, 70), (235, 140, 120)) * light + 16 * folds[..., None]
    wet = np.clip(cloud(rng, height, width, 25, 2) - 2.1, 0, 0.5) * 2
    canvas = painted(np.asarray(canvas, np.float32), wet.astype(np.float32), (255, 245, 240))
    return finished(painted(canvas, 1 - Stencil(height, width).ellipse(0.5, 0.5, 0.47, 0.55).mask(0.004), (2, 2, 2)))


def ultrasound(rng: Rng, height: int, width: int) -> Pixels:
    """A fan of speckle on black."""
    v, u = np.mgrid[0 : 1 : height * 1j, -1 : 1 : width * 1j]
    angle, depth = np.arctan2(u * width / height / 2, v + 0.25), np.hypot(u * width / height / 2, v + 0.25)
    fan = (np.abs(angle) < rng.uniform(0.4, 0.7)) & (depth > 0.35) & (depth < 1.15)
    echo = np.exp(0.5 * cloud(rng, height, width, 90, 2, 1.0) + 0.8 * cloud(rng, height, width, 5, 3))
    echo = np.clip(echo * rng.uniform(25, 60), 0, 255) * fan
    return finished(np.repeat(echo[..., None], 3, 2))


def _rash(rng: Rng, canvas: Floats, where: Floats) -> Floats:
    """Red, scaly, ill-defined patches on the skin given by `where`."""
    height, width = where.shape
    patches = np.clip(cloud(rng, height, width, rng.uniform(3, 10), 4) - rng.uniform(-0.3, 1.0), 0, 1)
    red = np.asarray(canvas.mean((0, 1)) * [1.0, 0.62, 0.6], np.float32)
    canvas = painted(canvas, where * patches * np.float32(rng.uniform(0.3, 0.9)), red)
    if rng.random() < 0.6:
        scales = np.clip(cloud(rng, height, width, rng.uniform(25, 70), 3, 0.9) - 1.0, 0, 1).astype(np.float32)
        canvas = painted(canvas, where * patches * scales * np.float32(0.7), (235, 215, 205))
    if rng.random() < 0.5:
        spots = Stencil(height, width)
        for _ in range(int(rng.integers(5, 60))):
            r = rng.uniform(0.004, 0.02)
            spots.ellipse(rng.uniform(), rng.uniform(), r, r * 1.3)
        canvas = painted(canvas, where * spots.mask(0.003) * np.float32(0.7), red * 0.75)
    return canvas


def clinical(rng: Rng, height: int, width: int, surface: Floats | None = None) -> Pixels:
    """A clinical photograph: an arm, leg, trunk or skin area with a rash, seen from an arm's length.

    `surface` is the skin to use, [height, width, 3]; drawn where none is given.
    """
    tone = skin_tone(rng) if surface is None else surface.mean((0, 1))
    surface = skin(rng, height, width, tone) if surface is None else surface
    surface = surface + ramp(rng, height, width)[..., None] * rng.uniform(0, 40)
    if rng.random() < 0.35:
        where = np.ones((height, width), np.float32)
        canvas = surface
    else:
        canvas, where = backdrop(rng, height, width), np.zeros((height, width), np.float32)
        for _ in range(int(rng.integers(1, 3))):
            angle, middle, half = rng.uniform(0, np.pi), rng.uniform(0.25, 0.75, 2), rng.uniform(0.15, 0.4)
            v, u = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
            across = (u - middle[0]) * width / height * np.cos(angle) + (v - middle[1]) * np.sin(angle)
            across = across / (half * (1 + 0.2 * cloud(rng, height, width, 2, 1)))
            inside = np.clip((1 - np.abs(across)) * 25, 0, 1).astype(np.float32)
            round_ = np.sqrt(np.clip(1 - across**2, 0.08, 1))[..., None] ** rng.uniform(0.3, 1)
            canvas = painted(canvas, np.roll(inside, 5, 1) * np.float32(0.3), (15, 12, 12))
            canvas = painted(canvas, inside, np.asarray(surface * round_, np.float32))
            where = np.maximum(where, inside)
    canvas = _rash(rng, canvas, where)
    for _ in range(int(rng.integers(0, 4))):
        a, b = rng.uniform(-0.1, 1.1, (2, 2))
        crease = Stencil(height, width).line(
            np.linspace(a, b, 6) + rng.normal(0, 0.02, (6, 2)), rng.uniform(0.004, 0.015)
        )
        canvas = painted(canvas, crease.mask(0.006) * where * np.float32(0.5), tone * 0.45)
    if rng.random() < 0.3:
        garment = Stencil(height, width).polygon([(0, 0), (1, 0), (1, rng.uniform(0, 0.4)), (0, rng.uniform(0, 0.4))])
        fabric = blank(height, width, any_colour(rng)) + cloud(rng, height, width, 50, 2)[..., None] * 6
        canvas = painted(canvas, garment.mask(0.004), fabric)
    return finished(canvas)
