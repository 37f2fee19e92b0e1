"""Surfaces that fill the frame: walls, floors, cloth, plants and bare skin."""

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


def brick_wall(rng: Rng, height: int, width: int) -> Pixels:
    """Courses of bricks, each of its own shade, with mortar between."""
    rows = int(rng.integers(4, 16))
    tall = 1.0 / rows
    wide = tall * rng.uniform(1.2, 2.4)
    joint = tall * rng.uniform(0.06, 0.16)
    brick = rng.choice([[165, 80, 60], [190, 120, 90], [130, 70, 60], [200, 190, 180], [120, 120, 125]])
    canvas: Floats = blank(height, width, rng.uniform(120, 210) + rng.normal(0, 6, 3))
    for row in range(rows + 1):
        start = -wide * ((row % 2) * 0.5 + rng.uniform(0, 0.03))
        for column in range(int(1 / wide) + 3):
            x, y = start + column * wide, row * tall
            shape = Stencil(height, width).rectangle(x, y, x + wide - joint * 0.75, y + tall - joint)
            canvas = painted(canvas, shape.mask(), brick * rng.uniform(0.75, 1.2) + rng.normal(0, 5, 3))
    rough = cloud(rng, height, width, 40, 3, 0.8)[..., None] * rng.uniform(4, 14)
    return finished(canvas + rough + ramp(rng, height, width)[..., None] * rng.uniform(0, 40))


def plaster_wall(rng: Rng, height: int, width: int) -> Pixels:
    """Painted plaster: one colour, a rough relief lit from a side, sometimes a crack or a switch."""
    colour = rng.choice([[235, 232, 225], [220, 205, 180], [200, 210, 215], [225, 190, 170], [170, 165, 160]])
    relief = cloud(rng, height, width, rng.uniform(10, 50), 4, 0.8)
    lit = np.gradient(relief, axis=int(rng.integers(2))) * rng.uniform(5, 30)
    canvas: Floats = (
        colour * rng.uniform(0.6, 1.1) + lit[..., None] + ramp(rng, height, width)[..., None] * rng.uniform(5, 45)
    )
    if rng.random() < 0.5:
        x = np.cumsum(rng.normal(0, 0.02, 30)) + rng.uniform(0.1, 0.9)
        crack = Stencil(height, width).line(np.stack([x, np.linspace(0, 1, 30)], 1), 0.006)
        canvas = painted(np.asarray(canvas, np.float32), crack.mask() * np.float32(0.7), (70, 65, 60))
    if rng.random() < 0.4:
        x, y = rng.uniform(0.1, 0.8, 2)
        plate = Stencil(height, width).rectangle(x, y, x + 0.12, y + 0.17)
        canvas = painted(np.asarray(canvas, np.float32), plate.mask(), (240, 240, 238))
        canvas = painted(
            canvas, Stencil(height, width).rectangle(x + 0.03, y + 0.04, x + 0.09, y + 0.13).mask(), (205,) * 3
        )
    return finished(np.asarray(canvas, np.float32))


def tiles(rng: Rng, height: int, width: int) -> Pixels:
    """A tiled or paved floor, straight or turned."""
    angle, size = rng.uniform(0, np.pi), rng.uniform(0.1, 0.4) * height
    y, x = np.mgrid[:height, :width].astype(np.float32)
    u, v = (np.cos(angle) * x + np.sin(angle) * y) / size, (np.cos(angle) * y - np.sin(angle) * x) / size
    two = np.stack([any_colour(rng), any_colour(rng)])
    parity = (np.floor(u) + np.floor(v)).astype(int) % 2 if rng.random() < 0.5 else np.zeros((height, width), int)
    shade = rng.normal(1, 0.06, (64, 64))[np.floor(u).astype(int) % 64, np.floor(v).astype(int) % 64]
    canvas: Floats = two[parity] * shade[..., None]
    gap = (np.minimum(u % 1, v % 1) < rng.uniform(0.02, 0.08)).astype(np.float32)
    canvas = painted(canvas.astype(np.float32), gap, any_colour(rng) * 0.6)
    return finished(canvas + cloud(rng, height, width, 30)[..., None] * rng.uniform(1, 8))


def wood(rng: Rng, height: int, width: int) -> Pixels:
    """Grain along boards."""
    base = np.asarray(rng.choice([[170, 120, 75], [120, 80, 50], [210, 175, 130], [90, 60, 45]]), np.float32)
    grain = cloud(rng, height, width, 3, 2)
    y = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j][0]
    rings = np.sin(2 * np.pi * (y * rng.uniform(6, 20) + 0.6 * grain)) + 0.5 * cloud(rng, height, width, 80, 1)
    canvas: Floats = base * (1 + 0.1 * rings[..., None])
    boards = int(rng.integers(1, 6))
    seam = (np.abs((y * boards) % 1) < 0.012 * boards).astype(np.float32)
    canvas = painted(np.asarray(canvas, np.float32), seam, base * 0.35)
    return finished(canvas if rng.random() < 0.5 else np.ascontiguousarray(canvas[:, ::-1]))


def cloth(rng: Rng, height: int, width: int) -> Pixels:
    """Woven or striped cloth with folds."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    bend = cloud(rng, height, width, 3, 2) * rng.uniform(2, 12)
    thread = rng.uniform(2.5, 9)
    weave = np.sin(2 * np.pi * (x + bend) / thread) * np.sin(2 * np.pi * (y + bend) / thread)
    canvas: Floats = blank(height, width, any_colour(rng)) + 18 * weave[..., None]
    if rng.random() < 0.6:
        stripe = (((x + bend) / rng.uniform(12, 60)) % 1 < rng.uniform(0.2, 0.6)).astype(np.float32)
        canvas = painted(canvas, stripe * np.float32(0.8), any_colour(rng))
        if rng.random() < 0.5:
            stripe = (((y + bend) / rng.uniform(12, 60)) % 1 < rng.uniform(0.2, 0.6)).astype(np.float32)
            canvas = painted(canvas, stripe * np.float32(0.6), any_colour(rng))
    folds = np.gradient(cloud(rng, height, width, 3, 2), axis=1) * rng.uniform(100, 500)
    return finished(canvas + folds[..., None])


def foliage(rng: Rng, height: int, width: int) -> Pixels:
    """Leaves or grass over one another."""
    canvas: Floats = blank(height, width, (35, 55, 25)) + cloud(rng, height, width, 12)[..., None] * 12
    blades = rng.random() < 0.5
    for _ in range(int(rng.integers(60, 160))):
        x, y = rng.uniform(-0.05, 1.05, 2)
        green = np.array([rng.uniform(50, 150), rng.uniform(90, 190), rng.uniform(20, 80)])
        shape = Stencil(height, width)
        if blades:
            lean = rng.normal(0, 0.08)
            shape.polygon([(x, y), (x + 0.012, y), (x + lean, y - rng.uniform(0.15, 0.45))])
        else:
            shape.ellipse(x, y, rng.uniform(0.02, 0.1), rng.uniform(0.015, 0.05), rng.uniform(0, np.pi))
        canvas = painted(canvas, shape.mask(), green)
    return finished(canvas + cloud(rng, height, width, 60, 2)[..., None] * 6)


def pebbles(rng: Rng, height: int, width: int) -> Pixels:
    """Stones, shaded as round things."""
    canvas: Floats = blank(height, width, rng.uniform(30, 90) + rng.normal(0, 5, 3))
    size = rng.uniform(0.03, 0.12)
    for _ in range(int(3 / size)):
        x, y = rng.uniform(0, 1, 2)
        radius, turn = size * rng.uniform(0.6, 1.5), rng.uniform(0, np.pi)
        tone = rng.uniform(90, 220) + rng.normal(0, 10, 3)
        canvas = painted(canvas, Stencil(height, width).ellipse(x, y, radius, radius, turn).mask(), tone * 0.6)
        top = Stencil(height, width).ellipse(x - 0.2 * radius, y - 0.25 * radius, 0.7 * radius, 0.7 * radius, turn)
        canvas = painted(canvas, top.mask(0.02), tone)
    return finished(canvas + cloud(rng, height, width, 60, 2)[..., None] * 6)


def skin(rng: Rng, height: int, width: int, tone: Floats | None = None) -> Floats:
    """Bare skin as a canvas: tone, mottling, fine furrows, and the light's fall-off."""
    tone = skin_tone(rng) if tone is None else tone
    canvas: Floats = blank(height, width, tone)
    red = cloud(rng, height, width, rng.uniform(2, 8), 3) * rng.uniform(0, 7)
    canvas = canvas + red[..., None] * np.array([0.4, -0.9, -0.8], np.float32)
    fine = cloud(rng, height, width, rng.uniform(30, 110), 3, 0.9) * rng.uniform(0, 5)
    canvas = canvas + fine[..., None] + ramp(rng, height, width)[..., None] * rng.uniform(0, 35)
    return np.asarray(canvas, np.float32)


def plain_skin(rng: Rng, height: int, width: int) -> Pixels:
    """Skin with no lesion, seen by a camera: perhaps pores, hairs or a fold, nothing in the middle."""
    canvas: Floats = skin(rng, height, width)
    if rng.random() < 0.4:
        pores = Stencil(height, width)
        for _ in range(int(rng.integers(50, 250))):
            pores.ellipse(rng.uniform(), rng.uniform(), 0.003, 0.004)
        canvas = painted(canvas, pores.mask() * np.float32(rng.uniform(0.1, 0.4)), canvas.mean((0, 1)) * 0.6)
    if rng.random() < 0.25:
        hairs = Stencil(height, width)
        for _ in range(int(rng.integers(4, 25))):
            start, turn = rng.uniform(0, 1, 2), rng.uniform(0, 2 * np.pi)
            t = np.linspace(0, rng.uniform(0.1, 0.4), 8)[:, None]
            hairs.line(start + t * [np.cos(turn), np.sin(turn)] + t**2 * rng.normal(0, 1, 2), 0.004)
        canvas = painted(canvas, hairs.mask() * np.float32(0.6), (60, 45, 40))
    if rng.random() < 0.3:
        x = rng.uniform(0, 1) + 0.1 * np.sin(np.linspace(0, 3, 20))
        fold = Stencil(height, width).line(np.stack([x, np.linspace(-0.1, 1.1, 20)], 1), 0.02)
        canvas = painted(canvas, fold.mask(0.01) * np.float32(0.4), canvas.mean((0, 1)) * 0.55)
    return finished(canvas)
