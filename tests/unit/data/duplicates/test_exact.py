from __future__ import annotations

import polars as pl
import pytest

from nevus.data.duplicates import DigestsMissingError, find_exact


def table(*rows: tuple[str, str, str | None, str | None]) -> pl.DataFrame:
    schema = {"dataset": pl.String, "image_id": pl.String, "sha256": pl.String, "pixel_sha256": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def found(pairs: pl.DataFrame) -> list[tuple[str, str, str]]:
    return list(pairs.select("kind", "image_a", "image_b").iter_rows())


def test_same_bytes_are_a_pair_and_not_reported_again_as_same_pixels() -> None:
    pairs = find_exact(table(("d", "b", "x", "p"), ("d", "a", "x", "p"), ("d", "c", "y", "q")))
    assert found(pairs) == [("exact_bytes", "a", "b")]
    assert pairs["score"].to_list() == [1.0]


def test_another_file_of_the_same_pixels_is_found() -> None:
    assert found(find_exact(table(("d", "a", "x", "p"), ("d", "b", "y", "p")))) == [("exact_pixels", "a", "b")]


def test_copies_are_chained_to_the_first_so_that_pairs_join_all_of_them() -> None:
    pairs = find_exact(table(("d", "c", "x", None), ("d", "a", "x", None), ("d", "b", "x", None)))
    assert found(pairs) == [("exact_bytes", "a", "b"), ("exact_bytes", "a", "c")]


def test_pixels_join_files_of_which_one_has_copies() -> None:
    pairs = find_exact(table(("d", "a", "x", "p"), ("d", "b", "x", "p"), ("d", "c", "y", "p")))
    assert found(pairs) == [("exact_bytes", "a", "b"), ("exact_pixels", "a", "c")]


def test_unknown_digests_match_nothing() -> None:
    assert find_exact(table(("d", "a", None, None), ("d", "b", None, None))).is_empty()


def test_copies_across_datasets_name_both() -> None:
    pairs = find_exact(table(("z", "a", "x", None), ("d", "a", "x", None)))
    assert pairs.select("dataset_a", "image_a", "dataset_b", "image_b").row(0) == ("d", "a", "z", "a")


def test_one_kind_of_digest_is_enough() -> None:
    assert find_exact(table(("d", "a", "x", "p"), ("d", "b", "y", "p")).drop("sha256")).height == 1


def test_without_digests_the_message_says_what_to_run() -> None:
    with pytest.raises(DigestsMissingError, match=r"sha256 or pixel_sha256.*nevus step check"):
        find_exact(table().drop("sha256", "pixel_sha256"))
