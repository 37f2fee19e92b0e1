"""ISIC 2024 (SLICE-3D): 401,059 crops from whole-body photographs of 1,042 patients, 393 malignant."""

from __future__ import annotations

from typing import Any, ClassVar

import polars as pl

from nevus.data.reading import is_remote
from nevus.data.sources.archive_terms import DIAGNOSES_OF_ARCHIVE, most_special
from nevus.data.sources.base import Source
from nevus.data.sources.errors import MissingDatasetError, SourceError
from nevus.data.sources.files import find_root, find_table, image_files, join, place, read_table, with_uris
from nevus.errors import require


class Isic2024Source(Source):
    """`train-metadata.csv` and `train-image.hdf5`, which holds a JPEG under each id; or the images in a folder."""

    name: ClassVar[str] = "isic2024"
    title: ClassVar[str] = "ISIC 2024 (SLICE-3D): 401,059 crops of 1,042 patients, benign or malignant"
    licence: ClassVar[str] = "CC-BY-NC-4.0"
    attribution: ClassVar[str] = "ISIC 2024, SLICE-3D; Kurtansky et al., Sci Data 11:884, 2024"
    LABELS: ClassVar = DIAGNOSES_OF_ARCHIVE
    TABLES: ClassVar = ("train-metadata.csv",)
    FOLDERS: ClassVar = ("train-image/image", "images", "train-image")
    ARCHIVE: ClassVar = "train-image.hdf5"

    def rows(self) -> pl.DataFrame:
        """The table's rows; the target is the malignant column, and the diagnosis is told where there was a biopsy."""
        path = find_table(self.settings, self.TABLES)
        table = read_table(path, ("isic_id", "target", "patient_id", "age_approx", "sex", "anatom_site_general"))
        none = pl.lit(None, dtype=pl.String)
        optional = {c: pl.col(c) if c in table.columns else none for c in ("lesion_id", "iddx_full")}
        table = table.select(
            pl.col("isic_id").str.strip_chars().alias("image_id"),
            "patient_id",
            optional["lesion_id"].alias("lesion_id"),
            pl.col("age_approx").alias("age"),
            "sex",
            pl.col("anatom_site_general").alias("site"),
            pl.col("target").alias("malignant"),
            most_special(table, [f"iddx_{level}" for level in range(1, 6)], list(self.LABELS)).alias("label"),
            # biopsied lesions carry a full diagnosis; the rest were judged benign by sight
            pl.when(optional["iddx_full"].str.contains("::")).then(pl.lit("histology")).alias("confirmed_by"),
            (pl.col("attribution") if "attribution" in table.columns else none).alias("source"),
        )
        archive = self._archive()
        return self._with_keys(table, archive) if archive else with_uris(table, self._folder())

    def _archive(self) -> str | None:
        root = find_root(self.settings)
        named = self.settings.images
        at = join(root, named or self.ARCHIVE)
        if named and not at.lower().endswith((".hdf5", ".h5")):
            return None
        return at if place(at).is_file() else None

    def _folder(self) -> Any:
        try:
            return image_files(self.settings, self.FOLDERS)
        except MissingDatasetError as error:
            raise MissingDatasetError(
                f"{self.settings.root} holds neither {self.ARCHIVE} nor a folder of images. Put one of them there, or "
                "say with data.images where it is."
            ) from error

    def _with_keys(self, table: pl.DataFrame, archive: str) -> pl.DataFrame:
        """Addresses of the form FILE.hdf5#KEY; a key that isn't there is found missing by the check."""
        h5py = require("h5py", "data")
        try:
            with h5py.File(place(archive).open("rb") if is_remote(archive) else archive, "r") as opened:
                empty = next(iter(opened), None) is None
        except OSError as error:
            raise SourceError(f"{archive} is not a readable HDF5 file ({error}); get it again.") from error
        if empty:
            raise MissingDatasetError(f"{archive} holds no images.")
        prefix = pl.lit(archive + "#")
        return table.with_columns((prefix + pl.col("image_id")).alias("uri"))
