"""The sheet of confirmed duplicates, pair by pair, with what their rows disagree on."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from nevus.reporting.describe.samples import ReadPixels, Tile, make_tile
from nevus.reporting.page.formats import format_count
from nevus.reporting.page.wording import several

_COMPARED = {"diagnosis": "diagnosis", "sex": "sex", "site": "site", "age": "age", "patient_id": "patient"}


@dataclass(frozen=True)
class Pair:
    """Two images of the same picture or lesion."""

    first: Tile
    second: Tile
    kind: str
    differences: str


@dataclass(frozen=True)
class DuplicateSheet:
    """All pairs counted, and the first of them shown."""

    lead: str
    kinds: list[list[str]]
    pairs: list[Pair]
    not_shown: int


def duplicate_sheet(
    manifest: pl.DataFrame, duplicates: pl.DataFrame, read: ReadPixels, *, most: int, max_side: int
) -> DuplicateSheet:
    """Count the pairs by kind and show those across lesions first.

    Args:
        manifest: the images' rows.
        duplicates: one row a confirmed pair: `image_a, image_b` and, if given, `kind`.
        read: image id to pixels.
        most: pairs to show.
        max_side: pixels of a thumbnail's longer side.
    """
    pairs = _with_rows(manifest, duplicates)
    across = pairs.filter(pl.col("across"))
    lead = f"{several(pairs.height, 'pair')} of images confirmed to show the same"
    if pairs.height:
        across_words = "all" if across.height == pairs.height else format_count(across.height)
        lead += f", {across_words} of them filed under different lesions"
    shown = pairs.sort("across", "image_a", "image_b", descending=[True, False, False]).head(most)
    ids = pl.concat([shown["image_a"], shown["image_b"]]).unique().to_list()
    by_id = {row["image_id"]: row for row in manifest.filter(pl.col("image_id").is_in(ids)).iter_rows(named=True)}
    kinds = pairs.group_by("kind").len().sort("len", "kind", descending=[True, False])
    return DuplicateSheet(
        lead=lead + ". Merged into one group, they always stay on one side of the split.",
        kinds=[[kind.replace("_", " "), format_count(n)] for kind, n in kinds.iter_rows()],
        pairs=[
            _pair(by_id[a], by_id[b], kind, read, max_side)
            for a, b, kind in shown.select("image_a", "image_b", "kind").iter_rows()
        ],
        not_shown=pairs.height - shown.height,
    )


def _with_rows(manifest: pl.DataFrame, duplicates: pl.DataFrame) -> pl.DataFrame:
    """`image_a, image_b, kind, across` of the pairs both of whose images are in the manifest."""
    kind = pl.col("kind").cast(pl.String) if "kind" in duplicates.columns else pl.lit("duplicate")
    lesions = manifest.select("image_id", "lesion_id")
    return (
        duplicates.select("image_a", "image_b", kind.alias("kind"))
        .join(lesions.rename({"image_id": "image_a", "lesion_id": "lesion_a"}), on="image_a")
        .join(lesions.rename({"image_id": "image_b", "lesion_id": "lesion_b"}), on="image_b")
        .with_columns(pl.col("lesion_a").ne_missing(pl.col("lesion_b")).alias("across"))
    )


def _pair(first: dict[str, object], second: dict[str, object], kind: str, read: ReadPixels, max_side: int) -> Pair:
    different = [
        f"{name}: {first[key] if first[key] is not None else 'unknown'} / "
        f"{second[key] if second[key] is not None else 'unknown'}"
        for key, name in _COMPARED.items()
        if first[key] != second[key]
    ]
    tiles = [
        make_tile(image, read, max_side=max_side, caption=f"{image['image_id']} · {image['diagnosis']}")
        for image in (first, second)
    ]
    return Pair(tiles[0], tiles[1], kind.replace("_", " "), "; ".join(different))
