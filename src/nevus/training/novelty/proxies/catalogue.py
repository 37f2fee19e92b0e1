"""The kinds of drawn pictures by name, in families of the same make."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Final

import numpy as np

from nevus.errors import InputError
from nevus.training.novelty.proxies import documents, living, medical, plain, scenes, surfaces
from nevus.training.novelty.proxies.canvas import Pixels, Rng

Drawing = Callable[[Rng, int, int], Pixels]

FAMILIES: Final[dict[str, tuple[Drawing, ...]]] = {
    "documents": (
        documents.document,
        documents.screenshot,
        documents.qr_code,
        documents.chart,
        documents.handwriting,
    ),
    "living": (living.face, living.animal, living.hand, living.eye),
    "surfaces": (
        surfaces.brick_wall,
        surfaces.plaster_wall,
        surfaces.tiles,
        surfaces.wood,
        surfaces.cloth,
        surfaces.foliage,
        surfaces.pebbles,
    ),
    "skin": (surfaces.plain_skin, medical.clinical),
    "scenes": (scenes.landscape, scenes.street, scenes.room, scenes.table, scenes.flowers, scenes.shapes),
    "medical": (medical.xray, medical.histology, medical.fundus, medical.endoscopy, medical.ultrasound),
    "plain": (
        plain.black,
        plain.white,
        plain.one_colour,
        plain.gradient,
        plain.noise,
        plain.clouds,
        plain.stripes,
    ),
}
"""Family -> its drawings. A method is judged on families that it wasn't fitted with."""

KINDS: Final[dict[str, Drawing]] = {drawing.__name__: drawing for family in FAMILIES.values() for drawing in family}


def draw(kind: str, seed: int, height: int = 192, width: int = 256) -> Pixels:
    """One drawing of `kind`, uint8 [height, width, 3]; the same seed gives the same picture.

    Raises:
        InputError: there is no such kind.
    """
    if kind not in KINDS:
        raise InputError(f"There is no drawn kind {kind!r}. Known kinds: {', '.join(KINDS)}.")
    rng = np.random.default_rng([zlib.crc32(kind.encode()), seed])
    return KINDS[kind](rng, height, width)


def draw_many(kind: str, count: int, seed: int = 0, height: int = 192, width: int = 256) -> Pixels:
    """`count` drawings of `kind`, uint8 [count, height, width, 3]."""
    return np.stack([draw(kind, seed * 1_000_003 + number, height, width) for number in range(count)])
