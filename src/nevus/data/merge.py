"""Merging datasets that contain one another: one row an image, whichever dataset tells more about it."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from nevus.data.groups import connected
from nevus.data.identity import ISIC_ID
from nevus.taxonomy import UNKNOWN

_DOCUMENTATION = (
    "patient_id",
    "lesion_id",
    "malignant",
    "confirmed_by",
    "age",
    "sex",
    "site",
    "skin_type",
    "source",
)
_COMPLETED = ("confirmed_by", "age", "sex", "site", "skin_type")


@dataclass(frozen=True)
class Merged:
    """What merging did.

    Attributes:
        kept: one row an image, with what the others knew filled in, and groups that join all their ties.
        folded: the other rows, each with the `reason` and the `detail` that names the kept one.
        notes: what deserves a word, such as images whose datasets disagree on the diagnosis.
    """

    kept: pl.DataFrame
    folded: pl.DataFrame
    notes: list[str]


def merge_same_images(table: pl.DataFrame) -> Merged:
    """Fold rows of the same image in different datasets into the one that is best documented.

    The same image is one with the same ISIC id (`_downsampled` or not) or the same bytes (`sha256`). Equal images
    within one dataset are duplicates, not overlap: they stay. The kept row's unknown age, sex, site, skin type and
    confirmation are filled from the others; the diagnosis is its own. An image id that two datasets give to different
    images gets the dataset's name in front, so that ids are unique afterwards.

    Args:
        table: a manifest with `sha256` where it is known.
    """
    columns = table.columns
    if table["dataset"].n_unique() < 2:
        return Merged(table, _nothing(table), [])
    isic = table.select(pl.col("image_id").str.extract(ISIC_ID)).to_series()
    rows = table.with_row_index("row").with_columns(pl.Series("same", connected([isic, table["sha256"]])))
    known = pl.sum_horizontal(pl.col(c).is_not_null().cast(pl.Int32) for c in _DOCUMENTATION)
    rows = rows.with_columns((known + (pl.col("diagnosis") != UNKNOWN).cast(pl.Int32)).alias("told"))
    best = rows.sort("told", "row", descending=[True, False]).group_by("same", maintain_order=True).first()
    best = best.select("same", best_dataset="dataset", best_row="row", best_id="image_id", best_diagnosis="diagnosis")
    rows = rows.join(best, on="same", how="left", maintain_order="left")
    stays = (pl.col("row") == pl.col("best_row")) | (pl.col("dataset") == pl.col("best_dataset"))
    rows = rows.with_columns(stays.alias("stays"))
    rows = _completed(rows)
    rows = rows.with_columns(_joined_groups(rows))
    notes = _disagreements(rows)
    folded = rows.filter(~pl.col("stays")).select(
        *columns,
        pl.lit("same_image").alias("reason"),
        pl.format(
            "the image is also {} of {}, which tells more about it or came first.", "best_id", "best_dataset"
        ).alias("detail"),
    )
    kept = _unique_ids(rows.filter("stays").select(columns))
    return Merged(kept, folded, notes)


def _nothing(table: pl.DataFrame) -> pl.DataFrame:
    return table.clear().with_columns(
        pl.lit(None, dtype=pl.String).alias("reason"), pl.lit(None, dtype=pl.String).alias("detail")
    )


def _completed(rows: pl.DataFrame) -> pl.DataFrame:
    """What the best documented of the other rows knows and the kept one doesn't."""
    order = pl.col("told").rank("ordinal", descending=True)
    filled = [
        pl.coalesce(pl.col(c), pl.col(c).sort_by(order).drop_nulls().first().over("same")).alias(c) for c in _COMPLETED
    ]
    return rows.with_columns(filled)


def _joined_groups(rows: pl.DataFrame) -> pl.Series:
    """Groups that are joined by the same image as well; its own images of a dataset aren't torn from either."""
    linked = connected([rows["group_id"], rows["same"].cast(pl.String)])
    return (
        pl.DataFrame({"linked": linked, "group_id": rows["group_id"]})
        .select(pl.col("group_id").min().over("linked"))
        .to_series()
    )


def _disagreements(rows: pl.DataFrame) -> list[str]:
    differ = rows.filter(
        ~pl.col("stays")
        & (pl.col("diagnosis") != pl.col("best_diagnosis"))
        & (pl.col("diagnosis") != UNKNOWN)
        & (pl.col("best_diagnosis") != UNKNOWN)
    )
    counted = differ.group_by("best_dataset", "best_diagnosis", "dataset", "diagnosis").agg(pl.len().alias("n"))
    return [
        f"{n} image(s) are {kept} in {kept_in} (kept) and {other} in {other_in}"
        for kept_in, kept, other_in, other, n in counted.sort("n", descending=True).iter_rows()
    ]


def _unique_ids(table: pl.DataFrame) -> pl.DataFrame:
    shared = pl.col("dataset").n_unique().over("image_id") > 1
    prefixed = pl.format("{}/{}", "dataset", "image_id")
    return table.with_columns(pl.when(shared).then(prefixed).otherwise(pl.col("image_id")).alias("image_id"))
