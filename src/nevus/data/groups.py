"""Groups: images that share a patient, a lesion or a confirmed duplicate, and so must never be separated."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray


def assign_groups(table: pl.DataFrame, extra_pairs: Iterable[tuple[str, str]] = ()) -> pl.DataFrame:
    """Set `group_id` to the connected component over patient, lesion and pairs of images.

    Patients and lesions of the same name in different datasets are different ones. The group is named after its
    smallest member: `dataset/patient:...` where a patient is known, else `dataset/lesion:...`, else
    `dataset/image:...`, so the name depends neither on the order of rows nor on the number of groups.

    Args:
        table: rows with `image_id, dataset, patient_id, lesion_id`; the last two may be null. Image ids are unique
            within a dataset. An existing `group_id` that is not null joins rows too, so merged groups stay merged.
        extra_pairs: pairs of image ids to join, such as confirmed duplicates; each joins all rows of these ids. A pair
            with an id that isn't in the table joins nothing.

    Returns:
        The table with `group_id`, its rows in the same order.
    """
    if table.is_empty():
        return table.with_columns(pl.lit(None, dtype=pl.String).alias("group_id"))
    image = _named(table, "image", "image_id")
    columns = [_named(table, kind, column) for kind, column in (("patient", "patient_id"), ("lesion", "lesion_id"))]
    if "group_id" in table.columns:
        columns.append(table["group_id"].cast(pl.String))
    component = connected(columns, _pairs(table["image_id"].to_list(), extra_pairs))
    # The name: by patient before lesion before image, then by spelling.
    names = pl.DataFrame(
        {"component": component, "patient": columns[0], "lesion": columns[1], "image": image},
        schema_overrides={"patient": pl.String, "lesion": pl.String},
    )
    named = names.group_by("component").agg(
        pl.coalesce(pl.col("patient").min(), pl.col("lesion").min(), pl.col("image").min()).alias("group_id")
    )
    group = names.select("component").join(named, on="component", how="left", maintain_order="left")["group_id"]
    return table.with_columns(group)


def connected(columns: Sequence[pl.Series], pairs: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
    """The connected component of each row, where rows that share a value in a column are connected.

    Args:
        columns: of one length; null connects nothing.
        pairs: further edges between rows, [E, 2].

    Returns:
        For each row the number of the first row of its component, int64.
    """
    edges = [_chain(column) for column in columns]
    if pairs is not None:
        edges.append(pairs)
    return _components(len(columns[0]), np.concatenate(edges))


def _named(table: pl.DataFrame, kind: str, column: str) -> pl.Series:
    if column not in table.columns:
        return pl.Series(kind, [None] * table.height, dtype=pl.String)
    return table.select(pl.format("{}/" + kind + ":{}", pl.col("dataset"), pl.col(column)).alias(kind)).to_series()


def _chain(names: pl.Series) -> NDArray[np.int64]:
    """Edges [E, 2] between consecutive rows of one name."""
    rows = pl.DataFrame({"name": names, "row": np.arange(len(names))}).drop_nulls("name").sort("name", "row")
    linked = rows.with_columns(pl.col("row").shift(1).over("name").alias("before")).drop_nulls("before")
    return linked.select("before", "row").to_numpy().astype(np.int64).reshape(-1, 2)


def _pairs(image_ids: list[str], pairs: Iterable[tuple[str, str]]) -> NDArray[np.int64]:
    wanted = list(pairs)
    named = {name for pair in wanted for name in pair}
    rows: dict[str, list[int]] = {}
    for row, image_id in enumerate(image_ids):
        if image_id in named:
            rows.setdefault(image_id, []).append(row)
    edges = []
    for a, b in wanted:
        members = rows.get(a, []) + rows.get(b, [])
        if a in rows and b in rows:
            edges += [(members[0], other) for other in members[1:]]
    return np.asarray(edges, np.int64).reshape(-1, 2)


def _components(size: int, edges: NDArray[np.int64]) -> NDArray[np.int64]:
    """The component of each of `size` nodes: the smallest node it is connected with."""
    parent = np.arange(size)
    while len(edges):
        # Hook the larger root of every edge below the smaller one, then flatten; each round at least halves the roots
        # that still have edges, so a few rounds serve any table.
        a, b = parent[edges[:, 0]], parent[edges[:, 1]]
        low, high = np.minimum(a, b), np.maximum(a, b)
        np.minimum.at(parent, high, low)
        while True:
            above = parent[parent]
            if np.array_equal(above, parent):
                break
            parent = above
        edges = edges[parent[edges[:, 0]] != parent[edges[:, 1]]]
    return parent
