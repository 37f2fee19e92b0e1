"""The schema that every checked manifest fulfils."""

from __future__ import annotations

import polars as pl
import pytest

from manifest_factory import manifest
from nevus.data.manifest import ManifestError
from nevus.data.manifest_schema import validate_manifest

CHECKED = {"sha256": "0" * 64, "width": 10, "height": 10}


def test_a_checked_manifest_is_valid() -> None:
    validate_manifest(manifest(CHECKED | {"age": 0.0}, CHECKED | {"age": 120.0}, CHECKED))


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"image_id": "im_0"}, "image_id"),
        ({"diagnosis": "unmapped:x"}, "diagnosis: isin"),
        ({"age": 121.0}, r"age: in_range\(0, 120.0\) \(row 1: 121.0\)"),
        ({"age": -1.0}, "age: in_range"),
        ({"sha256": None}, "sha256: not_nullable"),
        ({"sha256": "abc"}, "sha256: str_matches"),
        ({"width": 0}, "width: greater_than_or_equal_to"),
        ({"group_id": None}, "group_id: not_nullable"),
        ({"uri": None}, "uri: not_nullable"),
    ],
)
def test_a_broken_rule_is_named_with_its_column(wrong: dict[str, object], named: str) -> None:
    with pytest.raises(ManifestError, match=named):
        validate_manifest(manifest(CHECKED, CHECKED | wrong))


def test_columns_that_are_not_the_manifests_are_refused() -> None:
    table = manifest(CHECKED)
    with pytest.raises(ManifestError, match="extra"):
        validate_manifest(table.with_columns(pl.lit(1).alias("extra")))
    with pytest.raises(ManifestError, match="age"):
        validate_manifest(table.drop("age"))
    with pytest.raises(ManifestError, match="width"):
        validate_manifest(table.with_columns(pl.col("width").cast(pl.Int64)))
