"""ISIC 2019: 25,331 dermoscopy images of eight diagnoses; contains HAM10000, BCN20000 and MSK."""

from __future__ import annotations

from typing import ClassVar

import polars as pl

from nevus.data.sources.base import Source
from nevus.data.sources.files import find_table, image_files, read_table, require_columns, with_uris


class Isic2019Source(Source):
    """`ISIC_2019_Training_GroundTruth.csv` (one column a class) and `ISIC_2019_Training_Metadata.csv`."""

    name: ClassVar[str] = "isic2019"
    title: ClassVar[str] = "ISIC 2019 training: 25,331 images, eight diagnoses"
    licence: ClassVar[str] = "CC-BY-NC-4.0"
    attribution: ClassVar[str] = (
        "ISIC 2019: HAM10000 (ViDIR Group, Medical University of Vienna), BCN20000 (Hospital Clinic de Barcelona), "
        "MSK (ISIC archive)"
    )
    LABELS: ClassVar = {
        "mel": "mel",
        "nv": "nv",
        "bcc": "bcc",
        "ak": "akiec",
        "bkl": "bkl",
        "df": "df",
        "vasc": "vasc",
        "scc": "scc",
        "unk": "unknown",
    }
    ZERO_AGE_IS_UNKNOWN: ClassVar = True
    TRUTH: ClassVar = ("ISIC_2019_Training_GroundTruth.csv",)
    METADATA: ClassVar = "ISIC_2019_Training_Metadata.csv"
    FOLDERS: ClassVar = ("ISIC_2019_Training_Input", "images", "ISIC_2019_Training_Input/ISIC_2019_Training_Input")

    def rows(self) -> pl.DataFrame:
        """The two tables joined; the label is the column that holds the 1."""
        truth_at = find_table(self.settings, self.TRUTH)
        truth = read_table(truth_at, ("image",))
        known = [column for column in truth.columns if column.lower() in self.LABELS]
        if not known:
            require_columns(truth, [label.upper() for label in self.LABELS], truth_at)
        classes = [column for column in truth.columns if column != "image"]
        truth = truth.select(pl.col("image").str.strip_chars(), one_hot_label(classes).alias("label"))
        metadata_at = find_table(self.settings.model_copy(update={"table": None}), (self.METADATA,))
        metadata = read_table(metadata_at, ("image", "age_approx", "anatom_site_general", "lesion_id", "sex")).select(
            pl.col("image").str.strip_chars(), "age_approx", "anatom_site_general", "lesion_id", "sex"
        )
        table = truth.join(metadata.unique("image", keep="first", maintain_order=True), on="image", how="left")
        files = image_files(self.settings, self.FOLDERS)
        lesion = pl.col("lesion_id")
        return with_uris(table.rename({"image": "image_id"}), files).with_columns(
            pl.col("age_approx").alias("age"),
            pl.col("anatom_site_general").alias("site"),
            # the collection is told by the lesion's prefix, where there is one
            pl.when(lesion.str.contains("^(HAM|BCN|MSK)")).then(lesion.str.slice(0, 3)).alias("source"),
        )


def one_hot_label(classes: list[str]) -> pl.Expr:
    """The name of the one class column that is 1; several are joined by `+`, none is null: neither can be mapped."""
    hot = [
        pl.when(pl.col(column).str.strip_chars().cast(pl.Float64, strict=False) > 0.5).then(pl.lit(column))
        for column in classes
    ]
    joined = pl.concat_str(hot, separator="+", ignore_nulls=True)
    return pl.when(joined != "").then(joined)
