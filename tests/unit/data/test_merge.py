"""Datasets that contain one another are merged: one row an image."""

from __future__ import annotations

import polars as pl

from manifest_factory import manifest
from nevus.data.merge import merge_same_images

HAM = {"dataset": "ham10000", "lesion_id": "L1", "group_id": "ham10000/lesion:L1"}
ISIC = {"dataset": "isic2019", "group_id": "isic2019/lesion:L1"}


def rows_by_id(table: pl.DataFrame) -> dict[str, dict[str, object]]:
    return {row["image_id"]: row for row in table.iter_rows(named=True)}


def test_one_dataset_is_left_as_it_is() -> None:
    table = manifest({"sha256": "a" * 64}, {"sha256": "a" * 64})
    merged = merge_same_images(table)
    assert merged.kept.equals(table)
    assert merged.folded.is_empty()


def test_the_better_documented_row_of_an_isic_image_is_kept() -> None:
    table = manifest(
        ISIC | {"image_id": "ISIC_0000001", "age": 50.0},
        HAM | {"image_id": "ISIC_0000001", "confirmed_by": "histology", "sex": "male"},
    )
    merged = merge_same_images(table)
    assert merged.kept["dataset"].to_list() == ["ham10000"]
    assert merged.folded.select("dataset", "reason").rows() == [("isic2019", "same_image")]
    assert "ISIC_0000001 of ham10000" in merged.folded["detail"][0]


def test_what_only_the_other_row_knows_is_filled_in_but_not_its_ids() -> None:
    table = manifest(
        ISIC | {"image_id": "ISIC_0000001", "age": 50.0, "site": "torso", "patient_id": "IP_1"},
        HAM | {"image_id": "ISIC_0000001", "confirmed_by": "histology", "sex": "male", "site": "head/neck"},
    )
    row = rows_by_id(merge_same_images(table).kept)["ISIC_0000001"]
    assert (row["dataset"], row["age"], row["site"], row["patient_id"]) == ("ham10000", 50.0, "head/neck", None)


def test_a_downsampled_name_is_the_same_image() -> None:
    table = manifest(
        HAM | {"image_id": "ISIC_0000017"},
        ISIC | {"image_id": "ISIC_0000017_downsampled"},
        {"dataset": "folder", "image_id": "mel/ISIC_0000017.jpg"},
    )
    assert merge_same_images(table).kept["image_id"].to_list() == ["ISIC_0000017"]


def test_other_names_with_the_same_bytes_are_the_same_image() -> None:
    table = manifest(
        HAM | {"image_id": "ISIC_0000001", "sha256": "a" * 64},
        {"dataset": "clinic", "image_id": "foto 7", "sha256": "a" * 64},
        {"dataset": "clinic", "image_id": "foto 8", "sha256": "b" * 64},
    )
    assert merge_same_images(table).kept["image_id"].to_list() == ["ISIC_0000001", "foto 8"]


def test_equal_images_within_one_dataset_are_not_folded() -> None:
    table = manifest(
        {"dataset": "clinic", "image_id": "a", "sha256": "a" * 64, "age": 40.0},
        {"dataset": "clinic", "image_id": "b", "sha256": "a" * 64},
        {"dataset": "other", "image_id": "c", "sha256": "a" * 64},
    )
    assert merge_same_images(table).kept["image_id"].to_list() == ["a", "b"]


def test_groups_are_joined_through_the_rows_that_are_folded() -> None:
    """The two images are of one lesion in one dataset only; folding its rows must not tear them apart."""
    table = manifest(
        {"dataset": "x", "image_id": "ISIC_0000001", "group_id": "x/image:1", "age": 1.0},
        {"dataset": "x", "image_id": "ISIC_0000002", "group_id": "x/image:2", "age": 1.0},
        {"dataset": "y", "image_id": "ISIC_0000001", "group_id": "y/lesion:L"},
        {"dataset": "y", "image_id": "ISIC_0000002", "group_id": "y/lesion:L"},
    )
    kept = merge_same_images(table).kept
    assert kept["dataset"].to_list() == ["x", "x"]
    assert kept["group_id"].n_unique() == 1


def test_disagreeing_diagnoses_are_told() -> None:
    table = manifest(
        HAM | {"image_id": "ISIC_0000001", "diagnosis": "akiec", "age": 1.0},
        ISIC | {"image_id": "ISIC_0000001", "diagnosis": "scc"},
        HAM | {"image_id": "ISIC_0000002", "diagnosis": "nv", "age": 1.0},
        ISIC | {"image_id": "ISIC_0000002", "diagnosis": "unknown"},
    )
    assert merge_same_images(table).notes == ["1 image(s) are akiec in ham10000 (kept) and scc in isic2019"]


def test_equal_ids_of_different_images_become_unique() -> None:
    table = manifest(
        {"dataset": "x", "image_id": "IMG_1", "sha256": "a" * 64},
        {"dataset": "y", "image_id": "IMG_1", "sha256": "b" * 64},
        {"dataset": "y", "image_id": "IMG_2", "sha256": "c" * 64},
    )
    merged = merge_same_images(table)
    assert merged.kept["image_id"].to_list() == ["x/IMG_1", "y/IMG_1", "IMG_2"]
    assert merged.folded.is_empty()


def test_every_row_is_kept_or_folded() -> None:
    table = manifest(
        *({"dataset": "x", "image_id": f"ISIC_{n:07d}"} for n in range(6)),
        *({"dataset": "y", "image_id": f"ISIC_{n:07d}", "age": 3.0} for n in range(3, 9)),
    )
    merged = merge_same_images(table)
    assert (merged.kept.height, merged.folded.height) == (9, 3)
    assert merged.folded["dataset"].unique().to_list() == ["x"]
