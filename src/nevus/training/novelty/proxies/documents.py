"""Things made of ink and light: pages, screens, codes, charts, slips, handwriting."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from nevus.training.novelty.proxies.canvas import (
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

LETTERS = np.array(list("eeeetttaaoooinnshhrrdlucmwfgypbvkTASPRN,.0123456789"))


def words(rng: Rng, count: int) -> str:
    """Letters in word lengths, as frequent as in prose."""
    lengths = rng.integers(1, 11, count)
    return " ".join("".join(rng.choice(LETTERS, n)) for n in lengths)


def typeset(
    rng: Rng, image: Image.Image, box: tuple[float, float, float, float], size: float, ink: tuple[int, ...]
) -> None:
    """Set lines of text into `box` (pixels)."""
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(size)
    x0, y, x1, y1 = box
    while y + size < y1:
        line = words(rng, 30)
        while draw.textlength(line, font=font) > x1 - x0 and " " in line:
            line = line.rsplit(" ", 1)[0]
        cut = len(line) if rng.random() < 0.8 else max(4, int(len(line) * rng.random()))
        draw.text((x0, y), line[:cut], fill=ink, font=font)
        y += size * rng.choice([1.3, 1.3, 1.3, 2.2])


def reduced(image: Image.Image, height: int, width: int) -> np.ndarray:
    """A picture drawn at twice the size -> a canvas."""
    return np.asarray(image.resize((width, height), Image.Resampling.BOX), np.float32)


def document(rng: Rng, height: int, width: int) -> Pixels:
    """A printed page, flat or photographed on a desk."""
    paper = tuple(int(v) for v in rng.uniform(225, 255) + rng.normal(0, 3, 3))
    image = Image.new("RGB", (2 * width, 2 * height), paper)
    size = rng.uniform(0.035, 0.11) * 2 * height
    margin = rng.uniform(0.02, 0.12) * 2 * width
    ink = tuple(int(v) for v in rng.uniform(0, 70, 3))
    if rng.random() < 0.5:
        typeset(rng, image, (margin, margin / 2, 2 * width - margin, margin / 2 + 2 * size * 1.7), size * 1.6, ink)
    columns = int(rng.integers(1, 3))
    for column in range(columns):
        left = margin + column * (2 * width - margin) / columns
        right = left + (2 * width - margin) / columns - margin
        typeset(rng, image, (left, margin + 3 * size, right, 2 * height - margin / 2), size, ink)
    if rng.random() < 0.5:
        desk = tuple(int(v) for v in any_colour(rng))
        image = image.rotate(rng.uniform(-25, 25), Image.Resampling.BILINEAR, fillcolor=desk)
    return finished(reduced(image, height, width) + ramp(rng, height, width)[..., None] * rng.uniform(0, 30))


def screenshot(rng: Rng, height: int, width: int) -> Pixels:
    """A program's window: bars, buttons, panes of text, light or dark."""
    dark = rng.random() < 0.5
    ground = tuple(int(v) for v in (rng.uniform(15, 50) if dark else rng.uniform(225, 255)) + rng.normal(0, 4, 3))
    image = Image.new("RGB", (2 * width, 2 * height), ground)
    draw = ImageDraw.Draw(image)
    bar, side = int(rng.uniform(0.05, 0.15) * 2 * height), int(rng.uniform(0.0, 0.3) * 2 * width)
    draw.rectangle((0, 0, 2 * width, bar), fill=tuple(int(v) for v in any_colour(rng)))
    draw.rectangle((0, bar, side, 2 * height), fill=tuple(int(v) for v in any_colour(rng)))
    size = rng.uniform(0.03, 0.08) * 2 * height
    for y in np.arange(bar + size / 2, 2 * height - size, size * 1.5):
        x = side + size * (1 + int(rng.integers(0, 4)))
        for word in words(rng, int(rng.integers(0, 8))).split():
            ink = rng.uniform(130, 255, 3) if dark else rng.uniform(0, 150, 3)
            draw.text((x, y), word, fill=tuple(int(v) for v in ink), font=ImageFont.load_default(size))
            x += size * 0.6 * (len(word) + 1)
    for _ in range(int(rng.integers(0, 6))):
        x, y = rng.uniform(0, 1.8 * width), rng.uniform(0, 1.9 * height)
        box = (x, y, x + rng.uniform(0.1, 0.5) * width, y + rng.uniform(0.06, 0.4) * height)
        draw.rounded_rectangle(box, radius=8, fill=tuple(int(v) for v in any_colour(rng)))
    return finished(reduced(image, height, width))


def qr_code(rng: Rng, height: int, width: int) -> Pixels:
    """A matrix code with its three finder squares."""
    side = int(rng.choice([21, 25, 29, 33, 41]))
    code = rng.random((side, side)) < 0.5
    finder = np.pad(np.pad(np.ones((3, 3), bool), 1), 1, constant_values=True)
    for y, x in ((0, 0), (0, side - 7), (side - 7, 0)):
        code[max(0, y - 1) : y + 8, max(0, x - 1) : x + 8] = False
        code[y : y + 7, x : x + 7] = finder
    scale = int(height * rng.uniform(0.6, 1.3) / side) + 1
    dark, light = (rng.uniform(0, 60), rng.uniform(200, 255))
    module = np.kron(np.pad(code, 2), np.ones((scale, scale), np.float32))
    canvas = blank(height, width, (light,) * 3)
    h, w = min(height, module.shape[0]), min(width, module.shape[1])
    y, x = (height - h) // 2, (width - w) // 2
    canvas[y : y + h, x : x + w] -= (light - dark) * module[:h, :w, None]
    return finished(canvas)


def chart(rng: Rng, height: int, width: int) -> Pixels:
    """Bars, lines or points with axes."""
    canvas = blank(height, width, (252, 252, 252))
    kind = int(rng.integers(3))
    count = int(rng.integers(4, 14))
    for series in range(int(rng.integers(1, 4))):
        shape, colour = Stencil(height, width), rng.uniform(0, 220, 3)
        values = np.clip(np.cumsum(rng.normal(0, 0.12, count)) + rng.uniform(0.3, 0.6), 0.05, 0.85)
        at = 0.14 + 0.8 * np.arange(count) / count
        if kind == 0:
            for x, v in zip(at + 0.15 / count * series, values, strict=True):
                shape.rectangle(x, 0.9 - v, x + 0.4 / count, 0.9)
        elif kind == 1:
            shape.line(np.stack([at, 0.9 - values], 1), 0.012)
        else:
            for x, v in rng.uniform((0.14, 0.1), (0.95, 0.88), (80, 2)) ** [1, 1.2]:
                shape.ellipse(x, v, 0.008, 0.011)
        canvas = painted(canvas, shape.mask(), colour)
    axes = Stencil(height, width).line([(0.1, 0.05), (0.1, 0.9), (0.97, 0.9)], 0.008)
    for t in np.linspace(0.1, 0.8, 6):
        axes.line([(0.1, t), (0.97, t)], 0.003).rectangle(0.03, t - 0.01, 0.08, t + 0.015)
    return finished(painted(canvas, axes.mask(), (60, 60, 60)))


def handwriting(rng: Rng, height: int, width: int) -> Pixels:
    """Joined strokes on ruled paper, or a sketch."""
    canvas = blank(height, width, rng.uniform(225, 252) + rng.normal(0, 3, 3))
    if rng.random() < 0.6:
        rules = Stencil(height, width)
        for y in np.arange(0.08, 1, 0.1):
            rules.line([(0, y), (1, y)], 0.004)
        canvas = painted(canvas, rules.mask(), (150, 180, 220))
    pen, ink = Stencil(height, width), rng.uniform(0, 90, 3)
    for y in np.arange(0.12, 1, rng.uniform(0.1, 0.2)):
        t = np.linspace(0, rng.uniform(40, 90), 300)
        x = 0.04 + 0.9 * t / t.max() + 0.012 * np.cos(1.7 * t)
        loops = 0.03 * np.sin(1.7 * t + np.cumsum(rng.normal(0, 0.25, 300))) * (1 + 0.5 * np.sin(0.3 * t))
        for start in range(0, 290, int(rng.integers(25, 60))):
            pen.line(np.stack([x, y + loops], 1)[start : start + 22], 0.008)
    return finished(painted(canvas, pen.mask(), ink) + cloud(rng, height, width, 20)[..., None] * 1.5)
