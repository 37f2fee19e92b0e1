"""Any table of images, with a map from the manifest's columns to the table's."""

from __future__ import annotations

from typing import ClassVar

import polars as pl

from nevus.data.manifest import SCHEMA
from nevus.data.reading import WITHOUT_CREDENTIALS, holds_credentials
from nevus.data.sources.base import Source
from nevus.data.sources.errors import SourceError
from nevus.data.sources.files import find_root, find_table, image_files, join, read_table, require_columns, with_uris
from nevus.taxonomy import DIAGNOSES

_FILLED_BY_OTHERS = ("dataset", "group_id", "channels", "sha256", "width", "height")
TAKEN = tuple(column for column in SCHEMA if column not in _FILLED_BY_OTHERS)
"""The manifest's columns that a table may fill."""


class TableSource(Source):
    """A CSV or Parquet file; what `data.columns` doesn't name is taken from a column of the manifest's name.

    `uri` may be an address, absolute or relative to the folder of images; without it, the image is found by its id.
    """

    name: ClassVar[str] = "table"
    title: ClassVar[str] = "Any table of images (CSV or Parquet), with a column map"
    LABELS: ClassVar = {code: code for code in DIAGNOSES} | {"": "unknown"}
    TABLES: ClassVar = ("metadata.csv", "manifest.csv", "table.csv", "metadata.parquet", "manifest.parquet")

    def rows(self) -> pl.DataFrame:
        """The mapped columns."""
        columns = self.settings.columns
        strange = sorted(set(columns) - set(TAKEN))
        if strange:
            raise SourceError(
                f"data.columns names {', '.join(strange)}, which is no column of the manifest; those to map are "
                f"{', '.join(TAKEN)}."
            )
        path = find_table(self.settings, self.TABLES)
        table = read_table(path)
        taken = {name: columns.get(name, name) for name in TAKEN if name in columns or name in table.columns}
        needed = {name: columns.get(name, name) for name in ("image_id", "diagnosis")}
        if "image_id" not in taken and "uri" in taken:
            needed.pop("image_id")
        if "malignant" in taken:  # enough for the task malignancy
            needed.pop("diagnosis", None)
        require_columns(table, [*needed.values(), *columns.values()], path)
        if "uri" in taken:
            _refuse_credentials(table[taken["uri"]], path)
        rows = table.select(pl.col(theirs).cast(pl.String).alias(ours) for ours, theirs in taken.items())
        if "image_id" not in rows.columns:
            rows = rows.with_columns(pl.col("uri").alias("image_id"))
        label = pl.col("diagnosis") if "diagnosis" in rows.columns else pl.lit("unknown")
        return self._with_addresses(rows.with_columns(label.alias("label")))

    def _with_addresses(self, rows: pl.DataFrame) -> pl.DataFrame:
        if "uri" not in rows.columns:
            return with_uris(rows, image_files(self.settings, ("images",)))
        root = find_root(self.settings)
        base = join(root, self.settings.images) if self.settings.images else root
        return rows.with_columns(
            pl.Series("uri", [join(base, uri.strip()) if uri else None for uri in rows["uri"]], dtype=pl.String)
        )


def _refuse_credentials(addresses: pl.Series, path: str) -> None:
    """By the number of the row: an address that holds a secret is not repeated."""
    for number, address in enumerate(addresses.cast(pl.String), start=1):
        if address is not None and holds_credentials(address):
            raise SourceError(
                f"{path}, row {number}, column {addresses.name}: the address holds a user name, password or token; "
                f"{WITHOUT_CREDENTIALS}."
            )
