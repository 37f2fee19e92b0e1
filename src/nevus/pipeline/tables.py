"""The manifest and the split, joined, as later steps read them."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from nevus.data.manifest import read_manifest
from nevus.data.splits import check_no_shared_groups
from nevus.evaluation.results import PartSize
from nevus.training.targets import truth_of_malignancy


def read_split_manifest(manifest: str, split: str) -> pl.DataFrame:
    """The manifest's rows with their `split`, sorted by image id.

    Raises:
        LeakageError: a group stands in two parts.
    """
    rows, parts = read_manifest(Path(manifest)), pl.read_parquet(split)
    check_no_shared_groups(parts, rows)
    return rows.join(parts.select("image_id", "split"), on="image_id", how="inner").sort("image_id")


def part_sizes(rows: pl.DataFrame) -> dict[str, PartSize]:
    """Images, groups, malignant groups and classes of each part."""
    rows = rows.with_columns(pl.Series("bad", truth_of_malignancy(rows), dtype=pl.Boolean))
    return {
        str(part): PartSize(
            n_images=group.height,
            n_groups=group["group_id"].n_unique(),
            n_malignant_groups=group.filter(pl.col("bad"))["group_id"].n_unique(),
            classes=dict(group["diagnosis"].value_counts().sort("diagnosis").iter_rows()),
        )
        for (part,), group in rows.group_by("split", maintain_order=True)
    }
