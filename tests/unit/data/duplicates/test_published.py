from __future__ import annotations

import polars as pl
import pytest

from nevus.data.duplicates import find_published, published_pairs


def test_ham10000_has_eighteen_pairs_of_thirty_six_images() -> None:
    pairs = published_pairs("ham10000")
    assert len(pairs) == 18
    assert len({image for pair in pairs for image in pair}) == 36
    assert all(a < b for a, b in pairs)


def test_a_dataset_without_a_list_has_none() -> None:
    assert published_pairs("isic2020") == []


def test_pairs_are_found_under_another_dataset_s_name_and_only_where_both_are_there() -> None:
    table = pl.DataFrame({"dataset": ["isic2019"] * 3, "image_id": ["ISIC_0033481", "ISIC_0033421", "ISIC_0033556"]})
    pairs = find_published(table)
    assert pairs.select("dataset_a", "image_a", "image_b", "kind").rows() == [
        ("isic2019", "ISIC_0033421", "ISIC_0033481", "published")
    ]


@pytest.mark.real
def test_every_published_pair_is_in_the_metadata_under_two_lesions_of_one_diagnosis(shared) -> None:
    meta = pl.read_csv(shared / "data" / "ham10000" / "HAM10000_metadata.csv")
    row = {r["image_id"]: r for r in meta.iter_rows(named=True)}
    for a, b in published_pairs("ham10000"):
        assert row[a]["lesion_id"] != row[b]["lesion_id"]
        assert row[a]["dx"] == row[b]["dx"]
