"""What the report says of the data: counted, and nothing that wasn't looked for."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from manifest_factory import manifest
from nevus.data.duplicates import pair_table, write_pairs
from nevus.data.groups import assign_groups
from nevus.pipeline.report_context import data_facts, merged_pairs
from nevus.training.targets import Targets

TARGETS = Targets("diagnosis", ("mel", "nv"), ("mel",))


def pair(a: str, b: str, kind: str) -> dict[str, object]:
    return {"dataset_a": "test", "image_a": a, "dataset_b": "test", "image_b": b, "kind": kind, "score": 1.0}


PAIRS = pair_table(
    [
        pair("im_0", "im_1", "near"),  # within a lesion: merges nothing
        pair("im_1", "im_2", "near"),
        pair("im_2", "im_1", "published"),  # the same pair again
        pair("im_4", "im_9", "exact_bytes"),
    ]
)


@pytest.fixture
def rows() -> pl.DataFrame:
    """Five lesions of four images; groups as the check leaves them."""
    plain = manifest(
        *(
            {"lesion_id": f"l{n // 4}", "diagnosis": "mel" if n < 8 else "nv", "malignant": n < 8, "group_id": None}
            for n in range(20)
        )
    )
    lone = plain.with_columns(
        pl.when(pl.col("image_id") == "im_2").then(pl.lit("copy")).otherwise("lesion_id").alias("lesion_id")
    )
    grouped = assign_groups(lone.drop("group_id"), [("im_1", "im_2"), ("im_4", "im_9")])
    part = pl.when(pl.col("lesion_id") == "l3").then(pl.lit("test")).otherwise(pl.lit("train"))
    return grouped.with_columns(part.alias("split"))


@pytest.fixture
def checks(tmp_path: Path) -> Path:
    pl.DataFrame({"reason": ["blank", "blank"]}).write_parquet(tmp_path / "rejected.parquet")
    return tmp_path


def test_a_pair_counts_once_whatever_found_it_and_only_where_ids_alone_would_have_parted_it(rows):
    assert merged_pairs(PAIRS, rows) == 2
    assert merged_pairs(pair_table([]), rows) == 0


@pytest.mark.parametrize(
    ("searched", "pairs", "merged"),
    [(["exact", "near"], PAIRS, 2), (["published"], pair_table([]), 0), ([], pair_table([]), None)],
)
def test_a_search_that_was_not_made_found_nothing_that_could_be_stated(rows, checks, searched, pairs, merged):
    write_pairs(pairs, checks / "duplicates.parquet", searched)
    facts = data_facts(rows, TARGETS, checks, checks / "duplicates.parquet")
    assert (facts.duplicates_merged, list(facts.duplicates_searched)) == (merged, searched)
    assert facts.rejected == {"blank": 2}


def test_a_table_that_does_not_say_what_was_looked_for_proves_nothing(rows, checks):
    PAIRS.write_parquet(checks / "old.parquet")
    assert data_facts(rows, TARGETS, checks, checks / "old.parquet").duplicates_merged is None


def test_the_counter_example_is_as_large_as_the_test_part(rows, checks):
    leakage = data_facts(rows, TARGETS, checks, None).leakage
    assert leakage.random_test_images == rows.filter(pl.col("split") == "test").height == 4
    assert leakage.shared_groups == 0
