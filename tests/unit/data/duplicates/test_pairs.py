from __future__ import annotations

import pytest

from nevus.data.duplicates import PAIR_SCHEMA, image_pairs, pair_table


def row(a: str, b: str, **more: object) -> dict[str, object]:
    return {"dataset_a": "d", "image_a": a, "dataset_b": "d", "image_b": b, "kind": "near", "score": 0.9} | more


def test_an_empty_table_has_the_columns() -> None:
    assert dict(pair_table([]).schema) == PAIR_SCHEMA


def test_a_pair_s_images_are_put_in_order_and_listed_once_a_kind() -> None:
    table = pair_table([row("b", "a"), row("a", "b"), row("a", "b", kind="published")])
    assert table.select("image_a", "image_b", "kind").rows() == [("a", "b", "near"), ("a", "b", "published")]
    assert image_pairs(table) == [("a", "b")]


def test_exact_pairs_come_first_and_surer_before_less_sure() -> None:
    table = pair_table([row("a", "b", score=0.8), row("c", "d", score=0.97), row("e", "f", kind="exact_bytes")])
    assert table["image_a"].to_list() == ["e", "c", "a"]


def test_a_transform_the_wrong_way_round_is_refused() -> None:
    with pytest.raises(ValueError, match="transform"):
        pair_table([row("b", "a", transform=[1.0, 0.0, 0.0, 0.0, 1.0, 0.0])])
