"""The pictures that the score learns to refuse: drawn ones, and new ones made of the training images themselves.

The second sort shares the lesions' colours and textures and lacks what makes them dermoscopy: one lesion, near, in the
middle. Photographs of skin play no part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
from PIL import Image

from nevus.training.novelty.distortion import distorted, recoloured
from nevus.training.novelty.proxies import FAMILIES
from nevus.training.novelty.proxies.canvas import Pixels, Rng, cloud, finished, painted, ramp
from nevus.training.novelty.proxies.medical import clinical

Take = Callable[[Rng], Pixels]
"""Gives a random training image."""


def mirrored(patch: Pixels, height: int, width: int, rng: Rng) -> Pixels:
    """A patch set beside its mirror images until it fills [height, width]; no seams."""
    down, across = -(-height // patch.shape[0]) + 1, -(-width // patch.shape[1]) + 1
    rows = [np.concatenate([patch[:: (-1) ** y, :: (-1) ** x] for x in range(across)], 1) for y in range(down)]
    whole = np.concatenate(rows, 0)
    top = int(rng.integers(0, whole.shape[0] - height + 1))
    left = int(rng.integers(0, whole.shape[1] - width + 1))
    return np.ascontiguousarray(whole[top : top + height, left : left + width])


def bare_skin(take: Take, rng: Rng) -> Pixels:
    """The calmest corner of a lesion's picture spread over the frame: enlarged, as it is, or as from further away."""
    pixels = take(rng)
    height, width = pixels.shape[:2]
    h, w = int(height * rng.uniform(0.18, 0.32)), int(width * rng.uniform(0.18, 0.32))
    margin_y, margin_x = height // 12, width // 12
    corners = [
        pixels[y : y + h, x : x + w]
        for y in (margin_y, height - margin_y - h)
        for x in (margin_x, width - margin_x - w)
    ]
    calm = Image.fromarray(min(corners, key=lambda corner: float(corner.std((0, 1)).sum())))
    scale = 2 ** rng.uniform(-1, 2.2)
    size = (min(width, int(w * scale) + 8), min(height, int(h * scale) + 8))
    return mirrored(np.asarray(calm.resize(size, Image.Resampling.BICUBIC)), height, width, rng)


def rash(take: Take, rng: Rng) -> Pixels:
    """Bare skin with ill-defined patches whose texture and colour come from another lesion, under uneven light."""
    ground = bare_skin(take, rng).astype(np.float32)
    height, width = ground.shape[:2]
    other = take(rng)
    middle = other[height // 4 : 3 * height // 4, width // 4 : 3 * width // 4]
    patch = mirrored(middle, height, width, rng).astype(np.float32)
    skin_colour, patch_colour = ground.mean((0, 1)), patch.mean((0, 1))
    inflamed = skin_colour * np.array([1.0, 0.75, 0.75]) * rng.uniform(0.8, 1.05)
    wanted = inflamed + rng.uniform(0, 0.5) * (patch_colour - inflamed)
    patch = (patch - patch_colour) * np.float32(rng.uniform(0.3, 1.0)) + wanted.astype(np.float32)
    field = cloud(rng, height, width, rng.uniform(2, 9), 4, rng.uniform(0.4, 0.8))
    mask = np.clip((field - rng.uniform(-0.7, 0.8)) * rng.uniform(0.7, 4), 0, 1) * np.float32(rng.uniform(0.3, 1))
    canvas = painted(ground, mask.astype(np.float32), patch)
    return finished(canvas + ramp(rng, height, width)[..., None] * rng.uniform(0, 50))


def far_skin(take: Take, rng: Rng) -> Pixels:
    """Skin from a distance: whole pictures shrunk and mirrored side by side until lesions are many and small."""
    pixels = take(rng)
    height, width = pixels.shape[:2]
    across = rng.uniform(1.8, 5)
    image = Image.fromarray(pixels)
    if rng.random() < 0.3:
        image = Image.blend(image, Image.fromarray(take(rng)), 0.5)
    small = image.resize((int(width / across), int(height / across)), Image.Resampling.BILINEAR)
    return mirrored(np.asarray(small), height, width, rng)


def limb(take: Take, rng: Rng) -> Pixels:
    """A clinical photograph drawn with the skin of a training image."""
    source = (far_skin, bare_skin, rash)[int(rng.integers(3))](take, rng)
    height, width = source.shape[:2]
    return clinical(rng, height, width, surface=source.astype(np.float32))


MADE: Final[dict[str, Callable[[Take, Rng], Pixels]]] = {f.__name__: f for f in (bare_skin, rash, far_skin, limb)}
"""Pictures made of training images, by name."""


def exposures(
    take: Take,
    height: int,
    width: int,
    *,
    per_drawn: int,
    per_made: int,
    seed: int,
    without: frozenset[str] = frozenset(),
) -> Iterator[tuple[str, Pixels]]:
    """Kind and picture, uint8 [height, width, 3], distorted as lesions are; `without` names families to leave out.

    Four in ten drawings take on the colours of a training image, so that colour alone gives none away.
    """
    rng = np.random.default_rng(seed)
    for family, drawings in FAMILIES.items():
        for drawing in () if family in without else drawings:
            for _ in range(per_drawn):
                picture = drawing(rng, height, width)
                if rng.random() < 0.4 and picture.std((0, 1)).sum() > 10:
                    picture = recoloured(picture, take(rng))
                yield drawing.__name__, distorted(picture, rng)
    for name, make in () if "made" in without else MADE.items():
        for _ in range(per_made):
            yield name, distorted(make(take, rng), rng)
