"""The table of duplicate pairs: one row a pair, whatever found it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import polars as pl

Kind = Literal["exact_bytes", "exact_pixels", "near", "published"]
KINDS: tuple[Kind, ...] = ("exact_bytes", "exact_pixels", "near", "published")
Search = Literal["published", "exact", "near"]
_SEARCHED = "nevus.searched"

PAIR_SCHEMA: dict[str, pl.DataType] = {
    "dataset_a": pl.String(),
    "image_a": pl.String(),
    "dataset_b": pl.String(),
    "image_b": pl.String(),
    "kind": pl.String(),
    "score": pl.Float64(),
    "inliers": pl.Int32(),
    "independent": pl.Int32(),
    "correlation": pl.Float64(),
    "overlap": pl.Float64(),
    "scale": pl.Float64(),
    "rotation": pl.Float64(),
    "mirrored": pl.Boolean(),
    "transform": pl.List(pl.Float64()),
}
"""`a` stands before `b` by dataset and id. `score` is the probability that the two show the same lesion: 1 for exact
and published pairs. What follows is null unless a geometry was found: `inliers` (keypoints that agree on it),
`independent` (those at least ten pixels apart), `correlation` of the aligned images' structure (-1 to 1) over `overlap`
(share of the image), `scale` and `rotation` (degrees, anticlockwise) from a to b, and `transform`, the affine map
(m00, m01, m02, m10, m11, m12) from the pixels of a to those of b, both at the working size."""


def pair_table(rows: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    """Rows -> the table, each pair in order and once a kind, sorted by kind, falling score and ids.

    Rows are mappings of `PAIR_SCHEMA`'s columns; absent ones become null. A pair's two images may come in either order,
    unless it has a `transform`, which would have to be turned round: then a must stand before b.
    """
    table = pl.DataFrame([_ordered(row) for row in rows], schema=PAIR_SCHEMA)
    rank = pl.col("kind").replace_strict({kind: i for i, kind in enumerate(KINDS)}, return_dtype=pl.Int32)
    keys = ["dataset_a", "image_a", "dataset_b", "image_b"]
    return table.unique([*keys, "kind"], keep="first", maintain_order=True).sort(
        rank, -pl.col("score"), *(pl.col(k) for k in keys)
    )


def image_pairs(pairs: pl.DataFrame) -> list[tuple[str, str]]:
    """The pairs of image ids, each once, for `nevus.data.groups.assign_groups`."""
    return list(pairs.select("image_a", "image_b").unique(maintain_order=True).iter_rows())


def write_pairs(pairs: pl.DataFrame, path: Path, searched: Sequence[Search]) -> None:
    """Write the table, and which kinds were looked for: an empty one says nothing without that."""
    partial = path.with_name(path.name + ".partial")
    pairs.write_parquet(partial, metadata={_SEARCHED: json.dumps(searched)})
    partial.replace(path)


def read_searched(path: Path) -> tuple[Search, ...]:
    """Which kinds were looked for to make the table in `path`; empty where it doesn't say."""
    return tuple(json.loads(pl.read_parquet_metadata(path).get(_SEARCHED, "[]")))


def _ordered(row: Mapping[str, Any]) -> dict[str, Any]:
    full: dict[str, Any] = {name: row.get(name) for name in PAIR_SCHEMA}
    a, b = (full["dataset_a"], full["image_a"]), (full["dataset_b"], full["image_b"])
    if b < a:
        if full["transform"] is not None:
            raise ValueError(f"the pair {a}, {b} has a transform, so its first image must come first by dataset and id")
        full |= {"dataset_a": b[0], "image_a": b[1], "dataset_b": a[0], "image_b": a[1]}
    return full
