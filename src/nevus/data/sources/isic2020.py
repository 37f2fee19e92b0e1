"""ISIC 2020: 33,126 dermoscopy images of 2,056 patients, 1.8 % malignant; most benign ones have no diagnosis."""

from __future__ import annotations

from typing import ClassVar

import polars as pl

from nevus.data.sources.base import Source
from nevus.data.sources.errors import MissingColumnError
from nevus.data.sources.files import find_table, image_files, read_table, with_uris


class Isic2020Source(Source):
    """`ISIC_2020_Training_GroundTruth.csv`; made for the task `malignancy`."""

    name: ClassVar[str] = "isic2020"
    title: ClassVar[str] = "ISIC 2020 training: 33,126 images of 2,056 patients, benign or malignant"
    licence: ClassVar[str] = "CC-BY-NC-4.0"
    attribution: ClassVar[str] = "International Skin Imaging Collaboration; Rotemberg et al., Sci Data 8:34, 2021"
    LABELS: ClassVar = {
        "melanoma": "mel",
        "nevus": "nv",
        "seborrheic keratosis": "bkl",
        "lichenoid keratosis": "bkl",
        "solar lentigo": "bkl",
        "lentigo nos": "bkl",
        "atypical melanocytic proliferation": "unknown",
        "cafe-au-lait macule": "unknown",
        "unknown": "unknown",
        "": "unknown",
    }
    TABLES: ClassVar = ("ISIC_2020_Training_GroundTruth.csv", "ISIC_2020_Training_GroundTruth_v2.csv", "train.csv")
    FOLDERS: ClassVar = ("images", "train", "ISIC_2020_Training_JPEG", "jpeg/train")

    def rows(self) -> pl.DataFrame:
        """The table's rows; the version 2 of it has `lesion_id` too."""
        path = find_table(self.settings, self.TABLES)
        site = "anatom_site_general_challenge"
        table = read_table(path, ("image_name", "patient_id", "sex", "age_approx", site, "diagnosis"))
        return with_uris(
            table.rename({"image_name": "image_id"}), image_files(self.settings, self.FOLDERS)
        ).with_columns(
            pl.col("diagnosis").alias("label"),
            pl.col("age_approx").alias("age"),
            pl.col(site).alias("site"),
            malignant_column(table, path),
        )


def malignant_column(table: pl.DataFrame, path: str) -> pl.Expr:
    """`benign_malignant` where the table has it, else `target`, in the table's own words.

    Raises:
        MissingColumnError: neither is there.
    """
    column = next((name for name in ("benign_malignant", "target") if name in table.columns), None)
    if column is None:
        raise MissingColumnError(
            f"{path} has neither the column benign_malignant nor target; it has {', '.join(table.columns)}."
        )
    return pl.col(column).alias("malignant")
