"""What is wrong with rows, judged by the table alone: ids, labels, ages, words."""

from __future__ import annotations

import polars as pl

from nevus.data.checks.reasons import Reason
from nevus.data.manifest import CONFIRMATIONS
from nevus.data.sources.base import UNMAPPED, UNMAPPED_MALIGNANT
from nevus.taxonomy import DIAGNOSES, OLDEST, SEXES, SITES, UNKNOWN

KEY = ["dataset", "image_id"]


def row_faults(table: pl.DataFrame) -> pl.DataFrame:
    """The faults of a manifest's rows: `row` (its number in the table), `reason`, `detail`; a row may have several."""
    rows = table.with_row_index("row")
    return pl.concat([_duplicate_ids(rows), _unmapped(rows), _conflicts(rows), _ages(rows)])


def row_warnings(table: pl.DataFrame) -> list[str]:
    """What deserves a word though the rows stay: words for sex, site and confirmation that nobody knows."""
    warnings = []
    for column, known in (("sex", SEXES), ("site", SITES), ("confirmed_by", CONFIRMATIONS)):
        strange = table.filter(pl.col(column).is_not_null() & ~pl.col(column).is_in(list(known)))[column]
        for word, count in strange.value_counts(sort=True).head(5).iter_rows():
            warnings.append(f"{column} {word!r} ({count} rows) is no word of the vocabulary; it stays as it is")
    return warnings


def _faults(rows: pl.DataFrame, reason: Reason, detail: pl.Expr) -> pl.DataFrame:
    return rows.select("row", pl.lit(reason).alias("reason"), detail.alias("detail"))


def _duplicate_ids(rows: pl.DataFrame) -> pl.DataFrame:
    """Of rows that agree the first one stays; of rows that contradict one another none."""
    said = ["patient_id", "lesion_id", "diagnosis", "malignant"]
    repeated = rows.filter(pl.len().over(KEY) > 1).with_columns(
        pl.int_range(pl.len()).over(KEY).alias("nth"),
        pl.struct(said).n_unique().over(KEY).alias("versions"),
        pl.len().over(KEY).alias("times"),
    )
    bad = repeated.filter((pl.col("nth") > 0) | (pl.col("versions") > 1))
    what = (
        pl.when(pl.col("versions") > 1)
        .then(pl.lit("and the rows contradict one another; correct the table"))
        .otherwise(pl.lit("that agree; the first one is kept"))
    )
    return _faults(bad, "duplicate_id", pl.format("image id {} stands in {} rows {}.", "image_id", "times", what))


def _unmapped(rows: pl.DataFrame) -> pl.DataFrame:
    bad = rows.filter(~pl.col("diagnosis").is_in(list(DIAGNOSES)))
    word = pl.col("diagnosis").str.strip_prefix(UNMAPPED_MALIGNANT)
    about_malignant = pl.format(
        "'{}' in the column malignant of {} is neither yes nor no; write 1 or 0, or leave it empty.", word, "dataset"
    )
    label = pl.col("diagnosis").str.strip_prefix(UNMAPPED)
    about_label = pl.format(
        "label '{}' of {} is not in its mapping; add it in the settings (data.labels), or correct the table.",
        label,
        "dataset",
    )
    said = pl.when(pl.col("diagnosis").str.starts_with(UNMAPPED_MALIGNANT)).then(about_malignant).otherwise(about_label)
    return _faults(bad, "label_unmapped", said)


def _conflicts(rows: pl.DataFrame) -> pl.DataFrame:
    """A lesion has one diagnosis, and is malignant or not; `unknown` and what isn't mapped contradict nothing."""
    lesion = ["dataset", "lesion_id"]
    named = rows.filter(pl.col("lesion_id").is_not_null())
    known = pl.when(pl.col("diagnosis").is_in(list(DIAGNOSES)), pl.col("diagnosis") != UNKNOWN).then(
        pl.col("diagnosis")
    )
    judged = named.with_columns(
        known.drop_nulls().unique().sort().implode().over(lesion, mapping_strategy="group_to_rows").alias("labels"),
        pl.col("malignant").drop_nulls().n_unique().over(lesion).alias("sides"),
    )
    return _faults(
        judged.filter((pl.col("labels").list.len() > 1) | (pl.col("sides") > 1)),
        "label_conflict",
        pl.format(
            "the images of lesion {} carry different labels ({}); correct them, or leave the lesion out.",
            "lesion_id",
            pl.col("labels").list.join(", "),
        ),
    )


def _ages(rows: pl.DataFrame) -> pl.DataFrame:
    impossible = pl.col("age").is_nan() | (pl.col("age") < 0) | (pl.col("age") > OLDEST)
    return _faults(
        rows.filter(impossible),
        "age_impossible",
        pl.when(pl.col("age").is_nan())
        .then(pl.lit("the age is not a number; leave it empty where it is unknown."))
        .otherwise(pl.format("an age of {} years is not possible; leave it empty where it is unknown.", "age")),
    )
