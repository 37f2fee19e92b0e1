"""People and animals, and parts of them that no dermatoscope shows."""

from __future__ import annotations

from functools import partial

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
from nevus.training.novelty.proxies.surfaces import skin


def backdrop(rng: Rng, height: int, width: int) -> Floats:
    """What stands behind a sitter: a wall, a blur of things, or a plain cloth."""
    canvas: Floats = blank(height, width, any_colour(rng)) + ramp(rng, height, width)[..., None] * rng.uniform(0, 50)
    if rng.random() < 0.6:
        for _ in range(int(rng.integers(2, 9))):
            x, y = rng.uniform(0, 1, 2)
            shape = Stencil(height, width).rectangle(x, y, x + rng.uniform(0.05, 0.6), y + rng.uniform(0.05, 0.7))
            canvas = painted(canvas, shape.mask(rng.uniform(0, 0.04)), any_colour(rng))
    return canvas + cloud(rng, height, width, 20)[..., None] * rng.uniform(0, 5)


def face(rng: Rng, height: int, width: int) -> Pixels:
    """A portrait: head, hair, eyes, brows, nose, mouth, neck and shoulders."""
    canvas, tone = backdrop(rng, height, width), skin_tone(rng)
    x, y, r = rng.uniform(0.35, 0.65), rng.uniform(0.42, 0.55), rng.uniform(0.22, 0.46)
    rx, aspect = r * height / width * rng.uniform(0.7, 0.85), width / height
    hair = np.asarray(rng.choice([[30, 22, 18], [75, 50, 30], [190, 150, 90], [150, 150, 150], [120, 55, 30]]))
    here = partial(Stencil, height, width)
    canvas = painted(canvas, here().ellipse(x, y - 0.12 * r, 1.25 * rx, 1.2 * r).mask(0.01), hair)
    if rng.random() < 0.4:
        canvas = painted(canvas, here().rectangle(x - 1.2 * rx, y, x + 1.2 * rx, y + 1.3 * r).mask(0.02), hair)
    canvas = painted(canvas, here().ellipse(x, y + 1.9 * r, 2.4 * rx, 0.9 * r).mask(), any_colour(rng))
    canvas = painted(
        canvas, here().rectangle(x - 0.4 * rx, y + 0.6 * r, x + 0.4 * rx, y + 1.4 * r).mask(0.01), tone * 0.85
    )
    head = here().ellipse(x, y, rx, r).mask(0.005)
    canvas = painted(canvas, head, skin(rng, height, width, tone))
    side = here().ellipse(x + rng.choice([-0.6, 0.6]) * rx, y, 0.6 * rx, 0.9 * r).mask(0.06)
    canvas = painted(canvas, head * side * np.float32(0.5), tone * 0.7)
    fringe = here().ellipse(x, y - 0.75 * r, 1.02 * rx, 0.45 * r).mask(0.01)
    canvas = painted(canvas, fringe, hair * rng.uniform(0.9, 1.1))
    iris = np.asarray(rng.choice([[70, 45, 30], [70, 110, 150], [80, 110, 70]]))
    for eye in (-0.42, 0.42):
        ex, ey = x + eye * rx, y - 0.12 * r
        canvas = painted(canvas, here().ellipse(ex, ey, 0.22 * rx, 0.085 * r).mask(), (240, 238, 235))
        canvas = painted(canvas, here().ellipse(ex, ey, 0.085 * r / aspect, 0.085 * r).mask(), iris)
        canvas = painted(canvas, here().ellipse(ex, ey, 0.04 * r / aspect, 0.04 * r).mask(), (10, 10, 10))
        brow = [(ex - 0.25 * rx, ey - 0.16 * r), (ex, ey - 0.22 * r), (ex + 0.25 * rx, ey - 0.17 * r)]
        canvas = painted(canvas, here().line(brow, 0.05 * r).mask(), hair * 0.8)
    nose = [(x, y - 0.1 * r), (x + 0.16 * rx, y + 0.25 * r), (x - 0.1 * rx, y + 0.27 * r)]
    canvas = painted(canvas, here().line(nose, 0.03 * r).mask(0.01) * np.float32(0.6), tone * 0.6)
    lips = here().ellipse(x, y + 0.52 * r, 0.36 * rx, rng.uniform(0.06, 0.12) * r)
    canvas = painted(canvas, lips.mask(0.004), (tone + np.array([60, -40, -30])) * 0.75)
    return finished(canvas)


def animal(rng: Rng, height: int, width: int) -> Pixels:
    """A four-legged animal in its field, or its face from near by."""
    ground = any_colour(rng) * [0.7, 1.0, 0.6]
    canvas: Floats = blank(height, width, rng.uniform((110, 130, 150), (180, 210, 250)))
    fur = np.asarray(rng.choice([[150, 100, 60], [60, 50, 45], [220, 210, 195], [190, 130, 70], [120, 120, 125]]))
    strands = cloud(rng, height, width, 70, 2, 0.9)[..., None] * rng.uniform(8, 22)
    coat = blank(height, width, fur) + strands + cloud(rng, height, width, 8)[..., None] * rng.uniform(0, 25)
    if rng.random() < 0.4:
        coat = painted(coat, (cloud(rng, height, width, 7, 2) > 0.6).astype(np.float32), any_colour(rng))
    here = partial(Stencil, height, width)
    field = here().rectangle(0, rng.uniform(0.4, 0.75), 1, 1).mask()
    canvas = painted(canvas, field, blank(height, width, ground) + cloud(rng, height, width, 50)[..., None] * 14)
    if rng.random() < 0.5:
        x, y, s = rng.uniform(0.4, 0.6), rng.uniform(0.5, 0.62), rng.uniform(0.25, 0.42)
        head = here().ellipse(x, y, 0.75 * s, s)
        for ear in (-1, 1):
            head.polygon(
                [
                    (x + ear * 0.7 * s, y - 0.5 * s),
                    (x + ear * 0.62 * s, y - 1.4 * s),
                    (x + ear * 0.15 * s, y - 0.85 * s),
                ]
            )
        canvas = painted(canvas, head.mask(0.006), coat)
        for eye in (-1, 1):
            canvas = painted(
                canvas, here().ellipse(x + eye * 0.3 * s, y - 0.2 * s, 0.12 * s, 0.14 * s).mask(), (200, 170, 60)
            )
            canvas = painted(
                canvas, here().ellipse(x + eye * 0.3 * s, y - 0.2 * s, 0.05 * s, 0.13 * s).mask(), (10, 10, 10)
            )
        canvas = painted(canvas, here().ellipse(x, y + 0.5 * s, 0.3 * s, 0.3 * s).mask(0.01), fur * 0.6 + 90)
        canvas = painted(canvas, here().ellipse(x, y + 0.35 * s, 0.1 * s, 0.09 * s).mask(), (40, 25, 25))
        return finished(canvas)
    x, y, s = rng.uniform(0.4, 0.55), rng.uniform(0.45, 0.6), rng.uniform(0.12, 0.22)
    body = here().ellipse(x, y, 1.5 * s, s).ellipse(x + 1.5 * s, y - 0.8 * s, 0.6 * s, 0.55 * s)
    body.line([(x + 1.0 * s, y - 0.2 * s), (x + 1.5 * s, y - 0.8 * s)], 0.5 * s)
    for leg in (-1.1, -0.75, 0.7, 1.05):
        body.line([(x + leg * s, y + 0.5 * s), (x + (leg + rng.normal(0, 0.15)) * s, y + 2.2 * s)], 0.28 * s)
    body.line([(x - 1.4 * s, y - 0.3 * s), (x - 2.0 * s, y - rng.uniform(-0.6, 1.0) * s)], 0.14 * s)
    body.polygon([(x + 1.2 * s, y - 1.1 * s), (x + 1.25 * s, y - 1.8 * s), (x + 1.6 * s, y - 1.2 * s)])
    canvas = painted(canvas, body.mask(0.004), coat)
    return finished(painted(canvas, here().ellipse(x + 1.7 * s, y - 0.9 * s, 0.07 * s, 0.09 * s).mask(), (15, 10, 10)))


def hand(rng: Rng, height: int, width: int) -> Pixels:
    """A hand laid on a table."""
    canvas, tone = backdrop(rng, height, width), skin_tone(rng)
    x, y, s = rng.uniform(0.35, 0.6), rng.uniform(0.6, 0.85), rng.uniform(0.14, 0.26)
    shape = Stencil(height, width).ellipse(x, y, 0.75 * s, 1.25 * s).rectangle(x - 0.5 * s, y, x + 0.5 * s, y + 2)
    nails = Stencil(height, width)
    for finger, reach in zip((-0.55, -0.2, 0.17, 0.5), rng.uniform(2.2, 3.2, 4), strict=True):
        tip = (x + finger * 1.7 * s + rng.normal(0, 0.1 * s), y - reach * s)
        shape.line([(x + finger * s, y - 0.4 * s), tip], 0.4 * s).ellipse(*tip, 0.15 * s, 0.2 * s)
        nails.ellipse(tip[0], tip[1], 0.07 * s, 0.11 * s)
    thumb = (x + 1.4 * s, y - 0.9 * s)
    shape.line([(x + 0.4 * s, y + 0.2 * s), thumb], 0.45 * s).ellipse(*thumb, 0.17 * s, 0.22 * s)
    mask = shape.mask(0.003)
    shadow = np.roll(mask, (4, 5), (0, 1)) * np.float32(0.4)
    canvas = painted(painted(canvas, shadow, (20, 18, 18)), mask, skin(rng, height, width, tone))
    edge = mask - Stencil.mask(shape, 0.03)
    canvas = canvas - np.clip(edge * mask, 0, 1)[..., None] * tone * 0.5
    return finished(painted(canvas, nails.mask() * np.float32(0.7), tone * 0.5 + [120, 100, 95]))


def eye(rng: Rng, height: int, width: int) -> Pixels:
    """An eye from near by: lids, white, iris with its rays, pupil and a light in it."""
    tone = skin_tone(rng)
    canvas, s = skin(rng, height, width, tone), rng.uniform(0.2, 0.4)
    t = np.linspace(0, np.pi, 30)
    lids = np.concatenate([np.stack([np.cos(t), -0.5 * np.sin(t)], 1), np.stack([-np.cos(t), 0.4 * np.sin(t)], 1)])
    opening = Stencil(height, width).polygon(lids * [1.3 * s, 1.3 * s] + 0.5).mask(0.004)
    inner: Floats = blank(height, width, (235, 228, 225)) + ramp(rng, height, width)[..., None] * 15
    iris = rng.choice([[90, 60, 35], [90, 130, 165], [95, 120, 80]]) + cloud(rng, height, width, 40)[..., None] * 18
    inner = painted(inner, _disc(height, width, 0.55 * s), iris)
    inner = painted(inner, _disc(height, width, 0.25 * s), (8, 8, 8))
    inner = painted(inner, Stencil(height, width).ellipse(0.54, 0.44, 0.02, 0.03).mask(), (255, 255, 255))
    canvas = painted(canvas, opening, inner)
    lashes = Stencil(height, width).line(lids[:30] * 1.3 * s + 0.5, 0.02)
    for px, py in lids[2:28:2] * 1.3 * s + 0.5:
        lashes.line([(px, py), (px + 0.4 * (px - 0.5), py - 0.09)], 0.006)
    return finished(painted(canvas, lashes.mask(), tone * 0.2))


def _disc(height: int, width: int, radius: float) -> Floats:
    return Stencil(height, width).ellipse(0.5, 0.48, radius * height / width, radius).mask()
