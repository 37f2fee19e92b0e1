"""The port of every dataset: what it brings, and the one way from its rows to the manifest."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import ClassVar

import polars as pl

from nevus.data.groups import assign_groups
from nevus.data.manifest import conform
from nevus.data.pixels import SWAPPED
from nevus.data.settings import DatasetSettings
from nevus.data.sources.vocabulary import CONFIRMED_BY, MALIGNANCY, SEX, SITE, normalise
from nevus.taxonomy import MALIGNANT, UNKNOWN

UNMAPPED = "unmapped:"
"""Before a label that the source's mapping doesn't know: such a row reaches the check, which rejects and names it."""
UNMAPPED_MALIGNANT = UNMAPPED + "malignant="
"""Before a word of the column `malignant` that nobody knows, in the place of the diagnosis: it is rejected too."""


class Source(ABC):
    """A dataset's layout. A subclass finds the files and names the columns; the rest is done here, alike for all."""

    name: ClassVar[str]
    """Its name in the settings, and in the manifest's column `dataset`."""
    title: ClassVar[str]
    """One line for people."""
    licence: ClassVar[str | None] = None
    attribution: ClassVar[str | None] = None
    LABELS: ClassVar[Mapping[str, str]] = {}
    """The dataset's own label (in lower case) -> code of `nevus.taxonomy.DIAGNOSES`."""
    ZERO_AGE_IS_UNKNOWN: ClassVar[bool] = False
    """HAM10000, and so whatever contains it, writes an unknown age as 0."""

    def __init__(self, settings: DatasetSettings, *, malignant: Collection[str] = MALIGNANT) -> None:
        self.settings = settings
        self.malignant = malignant

    @abstractmethod
    def rows(self) -> pl.DataFrame:
        """One row an image, as the dataset has it.

        Needs `image_id, label, uri`; may have `patient_id, lesion_id, malignant, confirmed_by, age, sex, site,
        skin_type, source, licence, attribution` in the dataset's own words.

        Raises:
            SourceError: the dataset isn't there, or its table lacks a column.
        """

    def read(self) -> pl.DataFrame:
        """The dataset as a manifest, sorted by image id; `sha256, width, height` are left to the check.

        What a single row says wrongly stays visible for the check: an unmapped label as `unmapped:LABEL`, an unknown
        word for malignant as `unmapped:malignant=WORD`, an age that isn't a number as NaN, a word for sex or site that
        nobody knows as it is.

        Raises:
            SourceError: the dataset isn't there, or its table lacks a column.
        """
        rows = self.rows()
        mapping = {k.strip().lower(): v for k, v in {**self.LABELS, **self.settings.labels}.items()}
        rows = rows.with_columns(
            pl.col("image_id").cast(pl.String),
            pl.lit(self.settings.called).alias("dataset"),
            pl.lit(SWAPPED if self.settings.channels == SWAPPED else None, dtype=pl.String).alias("channels"),
            _diagnosis(mapping).alias("diagnosis"),
        )
        for column in ("patient_id", "lesion_id"):
            if column in rows.columns:
                rows = rows.with_columns(_text(column))
        for column, words in (("sex", SEX), ("site", SITE), ("confirmed_by", CONFIRMED_BY)):
            if column in rows.columns:
                rows = rows.with_columns(normalise(_text(column), words).alias(column))
        if "age" in rows.columns:
            rows = rows.with_columns(_age(zero_is_unknown=self.ZERO_AGE_IS_UNKNOWN))
        rows = self._with_malignant(rows)
        for column, stated in (("licence", self._licence()), ("attribution", self._attribution())):
            given = pl.col(column) if column in rows.columns else pl.lit(None, dtype=pl.String)
            rows = rows.with_columns(given.fill_null(pl.lit(stated, dtype=pl.String)).alias(column))
        return conform(assign_groups(rows.drop("group_id", strict=False))).sort("dataset", "image_id")

    def _with_malignant(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The dataset's own column wins; else the malignant set decides, and nothing about an unknown diagnosis."""
        if "malignant" not in rows.columns:
            rows = rows.with_columns(pl.lit(None, dtype=pl.String).alias("malignant"))
        unmapped = pl.col("diagnosis").str.starts_with(UNMAPPED)
        word = normalise(_text("malignant"), MALIGNANCY)
        strange = ~unmapped & ~word.is_in(["malignant", "benign"])  # null where there is no word
        diagnosis = pl.when(strange).then(pl.lit(UNMAPPED_MALIGNANT) + _text("malignant")).otherwise("diagnosis")
        own = pl.when(word == "malignant").then(True).when(word == "benign").then(False)
        known = (pl.col("diagnosis") != UNKNOWN) & ~unmapped & ~strange.fill_null(value=False)
        derived = pl.when(known).then(pl.col("diagnosis").is_in(list(self.malignant)))
        return rows.with_columns(diagnosis.alias("diagnosis"), pl.coalesce(own, derived).alias("malignant"))

    def _licence(self) -> str | None:
        return self.settings.licence or self.licence

    def _attribution(self) -> str | None:
        return self.settings.attribution or self.attribution


def _text(column: str) -> pl.Expr:
    """Text without blanks round it; the empty text is null."""
    text = pl.col(column).cast(pl.String).str.strip_chars()
    return pl.when(text != "").then(text).alias(column)


def _diagnosis(mapping: Mapping[str, str]) -> pl.Expr:
    label = _text("label")
    code = label.str.to_lowercase().replace_strict(mapping, default=None, return_dtype=pl.String)
    empty = pl.lit(mapping.get("", UNMAPPED))
    return pl.when(label.is_null()).then(empty).otherwise(pl.coalesce(code, pl.lit(UNMAPPED) + label))


def _age(*, zero_is_unknown: bool) -> pl.Expr:
    """Years; null where empty, NaN where it is a word."""
    text = _text("age")
    number = text.cast(pl.Float64, strict=False)
    unknown = text.str.to_lowercase().is_in(["unknown", "na", "nan", "null", "none"])
    if zero_is_unknown:
        unknown |= number == 0
    return (
        pl.when(text.is_null() | unknown.fill_null(value=False))
        .then(None)
        .otherwise(number.fill_null(float("nan")))
        .alias("age")
    )


def local_root(settings: DatasetSettings) -> Path:
    """The dataset's folder, where it must be a local one."""
    return Path(settings.root or ".").expanduser().absolute()
