"""Places and things: landscape, street, room, table, and plain shapes."""

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
)


def landscape(rng: Rng, height: int, width: int) -> Pixels:
    """Sky, ridges one behind the other, perhaps water, trees and a sun."""
    top, low = rng.uniform((40, 80, 140), (140, 180, 240)), rng.uniform((170, 150, 130), (250, 230, 220))
    t = np.linspace(0, 1, height)[:, None, None]
    canvas: Floats = np.asarray(np.tile(top * (1 - t) + low * t, (1, width, 1)), np.float32)
    haze = np.clip(cloud(rng, height, width, 3), 0, 2) * np.float32(0.35)
    canvas = painted(canvas, haze, (250, 250, 250))
    if rng.random() < 0.4:
        sun = Stencil(height, width).ellipse(rng.uniform(0.1, 0.5), rng.uniform(0.1, 0.5), 0.05, 0.07)
        canvas = painted(canvas, sun.mask(0.01), (255, 245, 200))
    horizon = rng.uniform(0.25, 0.6)
    for layer in range(int(rng.integers(2, 5))):
        x = np.linspace(0, 1, 80)
        ridge = (
            horizon
            + 0.12 * layer
            - 0.25 * rng.uniform(0.3, 1) * np.abs(np.interp(x, np.linspace(0, 1, 9), rng.normal(0, 0.6, 9)))
        )
        ridge += rng.normal(0, 0.006, 80)
        mask = Stencil(height, width).polygon(np.concatenate([np.stack([x, ridge], 1), [(1, 1.01), (0, 1.01)]])).mask()
        shade = rng.uniform((20, 60, 20), (130, 140, 90)) * (0.5 + 0.25 * layer)
        canvas = painted(
            canvas, mask, blank(height, width, shade) + cloud(rng, height, width, 40, 3, 0.9)[..., None] * 13
        )
    for _ in range(int(rng.integers(0, 9))):
        left, y, s = rng.uniform(0, 1), rng.uniform(0.6, 0.95), rng.uniform(0.05, 0.18)
        tree = Stencil(height, width).polygon([(left - 0.35 * s, y), (left, y - 2 * s), (left + 0.35 * s, y)])
        canvas = painted(canvas, tree.mask(), rng.uniform((15, 40, 15), (60, 95, 45)))
    return finished(canvas)


def street(rng: Rng, height: int, width: int) -> Pixels:
    """Houses with windows under a sky."""
    canvas: Floats = blank(height, width, rng.uniform((120, 150, 180), (210, 225, 250)))
    x = -0.05
    while x < 1:
        wide, top = rng.uniform(0.15, 0.4), rng.uniform(0.05, 0.4)
        canvas = painted(canvas, Stencil(height, width).rectangle(x, top, x + wide, 0.85).mask(), any_colour(rng))
        panes, step = Stencil(height, width), rng.uniform(0.05, 0.11)
        for py in np.arange(top + 0.04, 0.78, step * 1.4):
            for px in np.arange(x + 0.02, x + wide - step * 0.7, step):
                panes.rectangle(px, py, px + step * 0.5, py + step * 0.8)
        canvas = painted(canvas, panes.mask(), any_colour(rng) * 0.6)
        x += wide
    canvas = painted(canvas, Stencil(height, width).rectangle(0, 0.85, 1, 1).mask(), (85, 85, 88))
    return finished(canvas + cloud(rng, height, width, 60, 2)[..., None] * 5 + ramp(rng, height, width)[..., None] * 20)


def room(rng: Rng, height: int, width: int) -> Pixels:
    """Walls that meet in a corner, a floor, and pieces of furniture."""
    canvas, x, y = blank(height, width, any_colour(rng)), rng.uniform(0.2, 0.8), rng.uniform(0.55, 0.75)
    canvas = painted(canvas, Stencil(height, width).rectangle(x, 0, 1, 1).mask(), any_colour(rng))
    floor = Stencil(height, width).polygon([(x, y), (1.0, y + 0.2), (1, 1), (0, 1), (0, y + 0.2)])
    canvas = painted(canvas, floor.mask(), any_colour(rng) * [0.9, 0.75, 0.6])
    for _ in range(int(rng.integers(3, 9))):
        px, py, w, h = rng.uniform(0, 0.8), rng.uniform(0.1, 0.8), *rng.uniform(0.06, 0.4, 2)
        colour = any_colour(rng)
        canvas = painted(canvas, Stencil(height, width).rectangle(px, py, px + w, py + h).mask(), colour)
        lid = Stencil(height, width).polygon(
            [(px, py), (px + 0.05, py - 0.05), (px + w + 0.05, py - 0.05), (px + w, py)]
        )
        canvas = painted(canvas, lid.mask(), colour * 1.25)
    return finished(canvas + ramp(rng, height, width)[..., None] * 35 + cloud(rng, height, width, 60, 2)[..., None] * 4)


def table(rng: Rng, height: int, width: int) -> Pixels:
    """Plates, fruit, cups: shaded round things and their shadows."""
    canvas: Floats = blank(height, width, any_colour(rng)) + cloud(rng, height, width, 20)[..., None] * 6
    for _ in range(int(rng.integers(3, 12))):
        x, y, r = rng.uniform(0.05, 0.95), rng.uniform(0.05, 0.95), rng.uniform(0.06, 0.35)
        rx, colour = r * height / width, any_colour(rng) * rng.uniform(0.7, 1.3, 3)
        here = Stencil(height, width).ellipse(x, y, rx, r)
        canvas = painted(
            canvas, Stencil(height, width).ellipse(x + 0.03, y + 0.05, rx, r).mask(0.03) * np.float32(0.5), (15, 12, 10)
        )
        canvas = painted(canvas, here.mask(), colour)
        if rng.random() < 0.5:
            canvas = painted(canvas, Stencil(height, width).ellipse(x, y, 0.72 * rx, 0.72 * r).mask(), colour * 0.85)
        else:
            light = Stencil(height, width).ellipse(x - 0.3 * rx, y - 0.3 * r, 0.35 * rx, 0.3 * r)
            canvas = painted(canvas, light.mask(0.03) * np.float32(0.7), (255, 250, 240))
    return finished(canvas)


def flowers(rng: Rng, height: int, width: int) -> Pixels:
    """Blossoms with petals on green."""
    canvas: Floats = (
        blank(height, width, rng.uniform((20, 50, 15), (80, 130, 60))) + cloud(rng, height, width, 15)[..., None] * 20
    )
    for _ in range(int(rng.integers(1, 7))):
        x, y, r = rng.uniform(0.1, 0.9), rng.uniform(0.1, 0.9), rng.uniform(0.1, 0.4)
        colour = rng.choice([[220, 60, 90], [250, 220, 60], [240, 240, 245], [160, 90, 200], [240, 130, 60]])
        count, phase = int(rng.integers(5, 16)), rng.uniform(0, 7)
        for a in phase + 2 * np.pi * np.arange(count) / count:
            petal = Stencil(height, width).ellipse(
                x + 0.55 * r * np.cos(a) * height / width, y + 0.55 * r * np.sin(a), 0.45 * r, 0.3 * r * 5 / count, a
            )
            canvas = painted(canvas, petal.mask(0.003), colour * rng.uniform(0.75, 1.05))
        heart = Stencil(height, width).ellipse(x, y, 0.25 * r * height / width, 0.25 * r)
        canvas = painted(canvas, heart.mask(), rng.choice([[230, 180, 40], [90, 60, 30]]))
    return finished(canvas)


def shapes(rng: Rng, height: int, width: int) -> Pixels:
    """Flat shapes over one another, each with its own light and texture: what edges in photographs look like."""
    canvas: Floats = blank(height, width, any_colour(rng))
    count, blur = int(2 ** rng.uniform(2, 7)), rng.choice([0.0, 0.0, rng.uniform(0, 0.02)])
    palette = any_colour(rng) if rng.random() < 0.5 else None
    for _ in range(count):
        x, y = rng.uniform(-0.1, 1.1, 2)
        r = min(0.6, 0.03 * rng.pareto(1.2) + 0.03)
        here = Stencil(height, width)
        if rng.random() < 0.5:
            here.ellipse(x, y, r, r * rng.uniform(0.4, 1.6), rng.uniform(0, np.pi))
        else:
            a = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(3, 8))))
            here.polygon(np.stack([x + r * np.cos(a), y + r * np.sin(a)], 1))
        colour: Floats = (
            any_colour(rng)
            if palette is None
            else np.asarray(palette * rng.uniform(0.5, 1.5) + rng.normal(0, 15, 3), np.float32)
        )
        inside = blank(height, width, colour) + ramp(rng, height, width)[..., None] * rng.uniform(0, 40)
        if rng.random() < 0.5:
            inside = inside + cloud(rng, height, width, 2 ** rng.uniform(2, 6.5), 3, 0.8)[..., None] * rng.uniform(
                0, 20
            )
        canvas = painted(canvas, here.mask(float(blur)), inside)
    return finished(canvas)
