"""A few images of every class, chosen by a hash of their ids: the same every time, and nobody's favourites."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nevus.errors import InputError
from nevus.reporting.describe.quantities import by_category
from nevus.reporting.page import Thumbnail, embed_image
from nevus.taxonomy import class_name

ReadPixels = Callable[[str], NDArray[np.uint8]]
"""Image id -> RGB uint8 [H, W, 3]; an `InputError` where it can't be read."""


@dataclass(frozen=True)
class Tile:
    """An image of the page; without `thumbnail` it couldn't be read, and the caption says so."""

    thumbnail: Thumbnail | None
    alt: str
    caption: str


@dataclass(frozen=True)
class SampleGroup:
    """The images of one class."""

    name: str
    code: str
    images: int
    tiles: list[Tile]


def sample_groups(manifest: pl.DataFrame, read: ReadPixels, *, each: int, max_side: int) -> list[SampleGroup]:
    """`each` images of every class, of different lesions where there are enough; the classes by frequency."""
    groups = []
    for row in by_category(manifest, "diagnosis").iter_rows(named=True):
        code = row["value"]
        chosen = _choose(manifest.filter(pl.col("diagnosis") == code), each)
        tiles = [make_tile(image, read, max_side=max_side) for image in chosen.iter_rows(named=True)]
        groups.append(SampleGroup(class_name(code), code, row["images"], tiles))
    return groups


def make_tile(image: dict[str, object], read: ReadPixels, *, max_side: int, caption: str | None = None) -> Tile:
    """One image of the manifest with what is known of it."""
    image_id = str(image["image_id"])
    told = ", ".join(known_facts(image))
    alt = f"{class_name(str(image['diagnosis']))}, image {image_id}" + (f", {told}" if told else "")
    said = caption if caption is not None else image_id + (f" · {told}" if told else "")
    try:
        return Tile(embed_image(read(image_id), max_side=max_side), alt, said)
    except InputError as error:
        return Tile(None, alt, f"{said} · can't be shown: {error}")


def known_facts(image: dict[str, object]) -> list[str]:
    """Age, sex and site, those that are known: `65 y`, `male`, `back`."""
    age = image.get("age")
    facts = [f"{age:g}\u00a0y"] if isinstance(age, float) else []
    return facts + [str(image[key]) for key in ("sex", "site") if image.get(key) is not None]


def _choose(images: pl.DataFrame, count: int) -> pl.DataFrame:
    order = [hashlib.sha256(image_id.encode()).hexdigest() for image_id in images["image_id"]]
    ordered = images.with_columns(pl.Series("order", order, dtype=pl.String)).sort("order")
    different = ordered.unique("group_id", keep="first", maintain_order=True)
    return (different if different.height >= count else ordered).head(count)
