"""Groups: connected components over patient, lesion and confirmed duplicates."""

from __future__ import annotations

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from nevus.data.groups import assign_groups


def table(*rows: tuple[str, str | None, str | None], dataset: str = "d") -> pl.DataFrame:
    """Rows of image, patient, lesion."""
    names = {"image_id": pl.String, "patient_id": pl.String, "lesion_id": pl.String}
    return pl.DataFrame(rows, schema=names, orient="row").with_columns(dataset=pl.lit(dataset))


def groups(*args: object, **kwargs: object) -> list[str]:
    return assign_groups(*args, **kwargs)["group_id"].to_list()  # type: ignore[arg-type]


def test_images_of_one_lesion_are_one_group_named_after_it() -> None:
    assert groups(table(("a", None, "L1"), ("b", None, "L1"), ("c", None, "L2"))) == [
        "d/lesion:L1",
        "d/lesion:L1",
        "d/lesion:L2",
    ]


def test_a_patient_joins_lesions_and_gives_the_name() -> None:
    assert groups(table(("a", "P9", "L1"), ("b", "P9", "L2"), ("c", None, "L2"))) == ["d/patient:P9"] * 3


def test_an_image_without_patient_or_lesion_is_its_own_group() -> None:
    assert groups(table(("a", None, None), ("b", None, None))) == ["d/image:a", "d/image:b"]


def test_chains_join_end_to_end() -> None:
    rows = [(f"i{n}", f"P{n // 2}", f"L{(n + 1) // 2}") for n in range(400)]
    assert groups(table(*rows)) == ["d/patient:P0"] * 400


def test_a_lesion_of_the_same_name_in_another_dataset_is_another_lesion() -> None:
    both = pl.concat([table(("a", None, "L1"), dataset="x"), table(("b", None, "L1"), dataset="y")])
    assert groups(both) == ["x/lesion:L1", "y/lesion:L1"]


def test_a_lesion_called_like_a_patient_is_not_that_patient() -> None:
    assert len(set(groups(table(("a", "1", None), ("b", None, "1"))))) == 2


def test_confirmed_duplicates_join_their_lesions() -> None:
    rows = table(("a", None, "L1"), ("b", None, "L1"), ("c", None, "L2"), ("d", None, "L3"))
    assert groups(rows, [("b", "c")]) == ["d/lesion:L1"] * 3 + ["d/lesion:L3"]


def test_a_pair_with_an_unknown_image_joins_nothing() -> None:
    rows = table(("a", None, "L1"), ("b", None, "L2"))
    assert groups(rows, [("a", "gone"), ("gone", "b")]) == ["d/lesion:L1", "d/lesion:L2"]


def test_groups_that_were_merged_stay_merged() -> None:
    rows = table(("a", None, "L1"), ("b", None, "L2"))
    merged = assign_groups(rows, [("a", "b")])
    assert groups(merged) == ["d/lesion:L1", "d/lesion:L1"]


def test_names_and_rows_keep_their_order_whatever_the_order_of_rows() -> None:
    rows = table(("c", None, "L2"), ("a", "P1", "L1"), ("b", "P1", None))
    straight = dict(assign_groups(rows).select("image_id", "group_id").iter_rows())
    assert assign_groups(rows)["image_id"].to_list() == ["c", "a", "b"]
    assert dict(assign_groups(rows.reverse()).select("image_id", "group_id").iter_rows()) == straight


def test_an_empty_table_has_an_empty_column() -> None:
    assert assign_groups(table()).schema["group_id"] == pl.String


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.one_of(st.none(), st.integers(0, 12)), st.one_of(st.none(), st.integers(0, 12))),
        min_size=1,
        max_size=40,
    ),
    st.lists(st.tuples(st.integers(0, 39), st.integers(0, 39)), max_size=6),
)
def test_components_are_those_of_scipy(
    people: list[tuple[int | None, int | None]], pairs: list[tuple[int, int]]
) -> None:
    size = len(people)
    rows = table(
        *((f"i{n}", None if p is None else f"p{p}", None if m is None else f"l{m}") for n, (p, m) in enumerate(people))
    )
    pairs = [(a, b) for a, b in pairs if a < size and b < size]
    edges = [(n, size + p) for n, (p, _) in enumerate(people) if p is not None]
    edges += [(n, size + 13 + m) for n, (_, m) in enumerate(people) if m is not None]
    edges += pairs
    ends = np.array(edges, dtype=int).reshape(-1, 2)
    graph = coo_matrix((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(size + 26, size + 26))
    expected = connected_components(graph, directed=False)[1][:size]
    found = groups(rows, [(f"i{a}", f"i{b}") for a, b in pairs])
    same = np.array(found)[:, None] == np.array(found)[None, :]
    np.testing.assert_array_equal(same, expected[:, None] == expected[None, :])
