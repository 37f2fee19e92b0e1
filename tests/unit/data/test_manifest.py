"""The manifest's table: its columns, its file, and the fingerprint of its content."""

from __future__ import annotations

import hashlib
from pathlib import Path

import polars as pl
import pytest

from manifest_factory import manifest
from nevus.data.manifest import SCHEMA, ManifestError, conform, content_fingerprint, read_manifest, write_manifest

ROWS = manifest(
    {"image_id": "b", "sha256": "2" * 64, "diagnosis": "mel", "malignant": True},
    {"image_id": "a", "sha256": "1" * 64},
)


def test_a_table_gets_the_columns_their_order_and_types() -> None:
    given = pl.DataFrame(
        {"uri": ["x"], "extra": [1], "age": [40], "image_id": [7], "dataset": ["d"], "group_id": ["g"]}
    ).with_columns(diagnosis=pl.lit("nv"))
    table = conform(given)
    assert dict(table.schema) == SCHEMA
    assert table.row(0, named=True) | {"image_id": "7", "age": 40.0, "malignant": None} == table.row(0, named=True)


def test_what_is_missing_or_of_the_wrong_type_is_named() -> None:
    with pytest.raises(ManifestError, match="lacks the column group_id, uri"):
        conform(ROWS.drop("uri", "group_id"))
    with pytest.raises(ManifestError, match="wrong type"):
        conform(ROWS.with_columns(age=pl.lit("old")))


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_manifest(ROWS, tmp_path / "manifest.parquet")
    assert read_manifest(tmp_path / "manifest.parquet").equals(ROWS)
    assert [path.name for path in tmp_path.iterdir()] == ["manifest.parquet"]


def test_a_manifest_of_an_older_version_lacks_the_newer_columns_and_is_read(tmp_path: Path) -> None:
    ROWS.drop("channels").write_parquet(tmp_path / "old.parquet")
    assert read_manifest(tmp_path / "old.parquet").equals(ROWS)


def test_no_manifest_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"no manifest at .*; make one with `nevus step ingest`"):
        read_manifest(tmp_path / "gone.parquet")
    (tmp_path / "text.parquet").write_text("no table")
    with pytest.raises(ManifestError, match="not a readable Parquet file"):
        read_manifest(tmp_path / "text.parquet")


def test_the_fingerprint_is_over_ids_bytes_labels_and_groups_in_the_order_of_ids() -> None:
    """Spelt out, because models on people's disks carry it."""
    said = (
        f"test\x1fa\x1f{'1' * 64}\x1fnv\x1f\x1ftest/image:im_1\x1e"
        f"test\x1fb\x1f{'2' * 64}\x1fmel\x1fTrue\x1ftest/image:im_0\x1e"
    )
    assert content_fingerprint(ROWS) == hashlib.sha256(said.encode()).hexdigest()


@pytest.mark.parametrize(
    ("column", "value", "same"),
    [
        ("uri", "/elsewhere/x.jpg", True),
        ("width", 300, True),
        ("age", 40.0, True),
        ("sha256", "3" * 64, False),
        ("diagnosis", "bkl", False),
        ("malignant", False, False),
        ("group_id", "g", False),
        ("channels", "bgr", False),
    ],
)
def test_only_what_decides_the_content_changes_the_fingerprint(column: str, value: object, same: bool) -> None:
    changed = ROWS.with_columns(
        pl.when(pl.col("image_id") == "b").then(pl.lit(value)).otherwise(column).cast(SCHEMA[column]).alias(column)
    )
    assert (content_fingerprint(changed) == content_fingerprint(ROWS)) is same
    assert content_fingerprint(changed.reverse()) == content_fingerprint(changed)
