"""The manifest: one row an image, the same columns whatever the source, and its content fingerprint."""

from __future__ import annotations

import hashlib
from pathlib import Path

import polars as pl

from nevus.errors import InputError

CONFIRMATIONS = ("histology", "follow_up", "consensus", "confocal")

SCHEMA: dict[str, pl.DataType] = {
    "image_id": pl.String(),
    "dataset": pl.String(),
    "patient_id": pl.String(),
    "lesion_id": pl.String(),
    "group_id": pl.String(),
    "diagnosis": pl.String(),
    "malignant": pl.Boolean(),
    "confirmed_by": pl.String(),
    "age": pl.Float64(),
    "sex": pl.String(),
    "site": pl.String(),
    "skin_type": pl.String(),
    "source": pl.String(),
    "licence": pl.String(),
    "attribution": pl.String(),
    "uri": pl.String(),
    "channels": pl.String(),
    "sha256": pl.String(),
    "width": pl.Int32(),
    "height": pl.Int32(),
}
"""Column -> type. Null where not known; `image_id, dataset, group_id, diagnosis, uri` are never null.

`uri` is an absolute path, an `s3://` address, or `FILE.hdf5#KEY` for an image inside an HDF5 file. `channels` is `bgr`
where the file holds blue in the place of red, which whoever reads it undoes; null elsewhere. `width`, `height`
(pixels, after EXIF orientation) and `sha256` (hex, of the file's bytes) are filled by the check step.
"""

REQUIRED = ("image_id", "dataset", "group_id", "diagnosis", "uri")
CONTENT = ("dataset", "image_id", "sha256", "diagnosis", "malignant", "group_id")


class ManifestError(InputError):
    """A manifest (or a table that should become one) doesn't have the columns or types it must have."""


def conform(table: pl.DataFrame) -> pl.DataFrame:
    """Put a table into the manifest's columns, order and types; absent optional columns become null.

    Raises:
        ManifestError: a required column is absent, or a column can't be cast to its type.
    """
    missing = [c for c in REQUIRED if c not in table.columns]
    if missing:
        raise ManifestError(f"the manifest lacks the column {', '.join(missing)}; it has {', '.join(table.columns)}.")
    columns = [
        pl.col(name).cast(dtype) if name in table.columns else pl.lit(None, dtype=dtype).alias(name)
        for name, dtype in SCHEMA.items()
    ]
    try:
        return table.select(columns)
    except pl.exceptions.PolarsError as error:
        raise ManifestError(f"the manifest has a column of the wrong type: {error}") from error


def write_manifest(table: pl.DataFrame, path: Path) -> None:
    """Write a conformed manifest as Parquet, atomically."""
    partial = path.with_name(path.name + ".partial")
    conform(table).write_parquet(partial)
    partial.replace(path)


def read_manifest(path: Path) -> pl.DataFrame:
    """Read a manifest.

    Raises:
        ManifestError: no such file, not Parquet, or columns missing.
    """
    try:
        return conform(pl.read_parquet(path))
    except FileNotFoundError as error:
        raise ManifestError(f"there is no manifest at {path}; make one with `nevus step ingest`.") from error
    except pl.exceptions.ComputeError as error:
        raise ManifestError(f"{path} is not a readable Parquet file: {error}") from error


def content_fingerprint(table: pl.DataFrame) -> str:
    """SHA-256 over ids, bytes' hashes, exchanged channels, labels and groups, in the order of ids, but no paths."""
    rows = conform(table).select(*CONTENT, "channels").sort("dataset", "image_id")
    digest = hashlib.sha256()
    for *row, channels in rows.iter_rows():
        said = ["" if value is None else str(value) for value in row] + ([channels] if channels else [])
        digest.update(("\x1f".join(said) + "\x1e").encode())
    return digest.hexdigest()
