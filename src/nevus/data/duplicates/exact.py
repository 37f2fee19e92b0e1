"""Exact duplicates: files with the same bytes, or images with the same pixels."""

from __future__ import annotations

from typing import Any

import polars as pl

from nevus.data.duplicates.pairs import Kind, pair_table
from nevus.errors import InputError

_DIGESTS: tuple[tuple[Kind, str], ...] = (("exact_bytes", "sha256"), ("exact_pixels", "pixel_sha256"))


class DigestsMissingError(InputError):
    """The table has neither the bytes' nor the pixels' digests."""


def find_exact(table: pl.DataFrame) -> pl.DataFrame:
    """Pairs of rows whose files or decoded pixels are identical.

    Args:
        table: rows with `dataset, image_id` and `sha256` (of the bytes), `pixel_sha256` (of the decoded pixels), or
            both; null digests match nothing. `checks/files.parquet` is such a table.

    Returns:
        A table of pairs. Of n identical images each is paired with the first by dataset and id, so n - 1 pairs join
        them all; identical bytes aren't reported again as identical pixels.

    Raises:
        DigestsMissingError: neither column is there.
    """
    present = [(kind, column) for kind, column in _DIGESTS if column in table.columns]
    if not present:
        raise DigestsMissingError(
            f"exact duplicates need the column sha256 or pixel_sha256; the table has {', '.join(table.columns)}. "
            "The check step fills them: run `nevus step check` first."
        )
    rows: list[dict[str, Any]] = []
    same_bytes: set[tuple[str, str]] = set()
    for kind, column in present:
        # Copies of a file stand for their first one, so that equal pixels are reported of different files only.
        known = table.drop_nulls(column).sort("dataset", "image_id")
        for _, copies in known.group_by(column, maintain_order=True):
            members = [m for m in copies.select("dataset", "image_id").iter_rows() if m not in same_bytes]
            for member in members[1:]:
                rows.append(_row(kind, members[0], member))
                if kind == "exact_bytes":
                    same_bytes.add(member)
    return pair_table(rows)


def _row(kind: Kind, a: tuple[str, str], b: tuple[str, str]) -> dict[str, Any]:
    return {"dataset_a": a[0], "image_a": a[1], "dataset_b": b[0], "image_b": b[1], "kind": kind, "score": 1.0}
