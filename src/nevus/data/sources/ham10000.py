"""HAM10000: 10,015 dermoscopy images of 7,470 lesions from Vienna and Queensland."""

from __future__ import annotations

from typing import ClassVar

import polars as pl

from nevus.data.sources.base import Source
from nevus.data.sources.files import find_table, image_files, read_table, with_uris


class Ham10000Source(Source):
    """`HAM10000_metadata[.csv]` with the images in `images/`, in Kaggle's two folders, or beside the table."""

    name: ClassVar[str] = "ham10000"
    title: ClassVar[str] = "HAM10000 (ISIC 2018 task 3): 10,015 images of 7,470 lesions, seven diagnoses"
    licence: ClassVar[str] = "CC-BY-NC-4.0"
    attribution: ClassVar[str] = (
        "ViDIR Group, Department of Dermatology, Medical University of Vienna; "
        "Tschandl, Rosendahl, Kittler, Sci Data 5:180161, 2018"
    )
    LABELS: ClassVar = {code: code for code in ("akiec", "bcc", "bkl", "df", "mel", "nv", "vasc")}
    ZERO_AGE_IS_UNKNOWN: ClassVar = True
    TABLES: ClassVar = ("HAM10000_metadata.csv", "HAM10000_metadata")
    FOLDERS: ClassVar = ("images", "HAM10000_images_part_1", "HAM10000_images_part_2", "ham10000_images_part_1")

    def rows(self) -> pl.DataFrame:
        """The table's rows, each with the address of its image."""
        path = find_table(self.settings, self.TABLES)
        table = read_table(path, ("lesion_id", "image_id", "dx", "dx_type", "age", "sex", "localization"))
        files = image_files(self.settings, (*self.FOLDERS, "ham10000_images_part_2"))
        return with_uris(table, files).with_columns(
            pl.col("dx").alias("label"),
            pl.col("dx_type").alias("confirmed_by"),
            pl.col("localization").alias("site"),
            (pl.col("dataset") if "dataset" in table.columns else pl.lit(None, dtype=pl.String)).alias("source"),
        )
