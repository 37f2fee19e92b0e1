"""What is counted of a manifest: images, lesions, malignant ones, and what is known of a column."""

from __future__ import annotations

import polars as pl

UNKNOWN_LABEL = "not recorded"


def lesion_key() -> pl.Expr:
    """The lesion of a row; an image of which no lesion is recorded is one by itself."""
    own = pl.format("image:{}", pl.col("image_id"))
    return pl.format("{}/{}", pl.col("dataset"), pl.coalesce(pl.col("lesion_id"), own))


def malignant_count(table: pl.DataFrame) -> int:
    """Images recorded as malignant."""
    return int(table["malignant"].sum() or 0)


def known(table: pl.DataFrame, column: str) -> int:
    """Images of which the column says something."""
    return table.height - table[column].null_count()


def by_category(table: pl.DataFrame, column: str) -> pl.DataFrame:
    """`value, images, lesions, groups, malignant, judged` by value, the most frequent first, null last.

    `judged` counts the images of which it is recorded whether they are malignant.
    """
    return (
        table.group_by(pl.col(column).cast(pl.String).alias("value"))
        .agg(
            pl.len().cast(pl.Int64).alias("images"),
            lesion_key().n_unique().cast(pl.Int64).alias("lesions"),
            pl.col("group_id").n_unique().cast(pl.Int64).alias("groups"),
            pl.col("malignant").sum().cast(pl.Int64).alias("malignant"),
            pl.col("malignant").count().cast(pl.Int64).alias("judged"),
        )
        .sort(pl.col("value").is_null(), pl.col("images"), pl.col("value"), descending=[False, True, False])
    )
