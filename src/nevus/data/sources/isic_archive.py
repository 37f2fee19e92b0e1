"""An export of the ISIC archive, as its website and isic-cli give it; BCN20000 comes in the same layout."""

from __future__ import annotations

from typing import ClassVar

import polars as pl

from nevus.data.sources.archive_terms import DIAGNOSES_OF_ARCHIVE, most_special
from nevus.data.sources.base import Source
from nevus.data.sources.errors import MissingColumnError
from nevus.data.sources.files import find_table, image_files, read_table, with_uris
from nevus.data.sources.vocabulary import SITE


class IsicArchiveSource(Source):
    """`metadata.csv` and the images beside it or in `images/`."""

    name: ClassVar[str] = "isic_archive"
    title: ClassVar[str] = "An export of the ISIC archive (website or isic-cli)"
    attribution: ClassVar[str] = "The ISIC archive's contributors; see each image's own attribution"
    LABELS: ClassVar = DIAGNOSES_OF_ARCHIVE
    ZERO_AGE_IS_UNKNOWN: ClassVar = True
    TABLES: ClassVar[tuple[str, ...]] = ("metadata.csv",)
    FOLDERS: ClassVar[tuple[str, ...]] = ("images", "ISIC-images")

    def rows(self) -> pl.DataFrame:
        """The table's rows; each image has its own licence and attribution."""
        path = find_table(self.settings, self.TABLES)
        table = read_table(path, ("isic_id",))
        diagnoses = ["diagnosis", *(f"diagnosis_{level}" for level in range(1, 6))]
        if not set(diagnoses) & set(table.columns):
            raise MissingColumnError(
                f"{path} has no column of diagnoses (diagnosis_1, diagnosis_2, ... or diagnosis); it has "
                f"{', '.join(table.columns)}. Export the metadata again, with the diagnoses."
            )
        sites = [*(f"anatom_site_{level}" for level in range(1, 6)), "anatom_site_general"]
        copied = {
            "patient_id": "patient_id",
            "lesion_id": "lesion_id",
            "age_approx": "age",
            "sex": "sex",
            "diagnosis_confirm_type": "confirmed_by",
            "fitzpatrick_skin_type": "skin_type",
            "copyright_license": "licence",
            "attribution": "attribution",
        }
        rows = table.select(
            pl.col("isic_id").str.strip_chars().alias("image_id"),
            most_special(table, diagnoses, list(self.LABELS)).alias("label"),
            most_special(table, sites, list(SITE)).alias("site"),
            _malignant(table),
            *(_filled(column).alias(name) for column, name in copied.items() if column in table.columns),
        )
        if "attribution" in rows.columns:
            rows = rows.with_columns(pl.col("attribution").alias("source"))
        return with_uris(rows, image_files(self.settings, self.FOLDERS))


class Bcn20000Source(IsicArchiveSource):
    """The BCN20000 collection of the archive."""

    name: ClassVar[str] = "bcn20000"
    title: ClassVar[str] = "BCN20000: dermoscopy from Hospital Clinic de Barcelona, as the ISIC archive exports it"
    licence: ClassVar[str] = "CC-BY-NC-4.0"
    attribution: ClassVar[str] = "BCN20000; Hernandez-Perez et al., Sci Data 11:641, 2024"
    TABLES: ClassVar[tuple[str, ...]] = ("metadata.csv", "bcn20000_metadata.csv", "bcn_20k_train.csv")
    FOLDERS: ClassVar[tuple[str, ...]] = ("images", "ISIC-images", "BCN_20k_train/bcn_20k_train")


def _malignant(table: pl.DataFrame) -> pl.Expr:
    """By the archive's own word; `indeterminate` leaves it to the diagnosis."""
    column = next((name for name in ("diagnosis_1", "benign_malignant") if name in table.columns), None)
    if column is None:
        return pl.lit(None, dtype=pl.Boolean).alias("malignant")
    text = pl.col(column).cast(pl.String).str.strip_chars().str.to_lowercase()
    words = {"benign": False, "malignant": True}
    return text.replace_strict(words, default=None, return_dtype=pl.Boolean).alias("malignant")


def _filled(column: str) -> pl.Expr:
    text = pl.col(column).cast(pl.String).str.strip_chars()
    return pl.when(text != "").then(text)
