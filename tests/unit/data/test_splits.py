"""Splits: whole groups, each class in about the same shares, the same ones for ever."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manifest_factory import manifest
from nevus.data.splits import (
    LeakageError,
    SplitError,
    SplitSettings,
    check_no_shared_groups,
    leakage_of_random_split,
    make_split,
    split_fingerprint,
)
from nevus.errors import EXIT_BAD_INPUT


def groups_of(diagnosis: str, count: int, images: int = 2, **row: object) -> list[dict[str, object]]:
    """So many groups of one diagnosis, each with some images."""
    row = {"malignant": diagnosis == "mel"} | row
    return [
        {"image_id": f"{diagnosis}{row['malignant']}{g}-{i}", "group_id": f"{diagnosis}{row['malignant']}{g}"}
        | {"diagnosis": diagnosis}
        | row
        for g in range(count)
        for i in range(images)
    ]


def parts(table: pl.DataFrame, split: pl.DataFrame, by: str = "diagnosis") -> dict[object, dict[str, int]]:
    """Class -> part -> groups."""
    joined = split.join(table.select("image_id", by), on="image_id")
    counted = joined.group_by(by, "split").agg(pl.col("group_id").n_unique().alias("n"))
    found: dict[object, dict[str, int]] = {}
    for name, part, n in counted.sort(by, "split").iter_rows():
        found.setdefault(name, {})[part] = n
    return found


def test_every_class_is_dealt_in_the_same_shares_and_no_group_is_torn() -> None:
    table = manifest(*groups_of("nv", 100), *groups_of("mel", 20), *groups_of("bcc", 20, images=3))
    split, warnings = make_split(table, SplitSettings(validation=0.15, test=0.2))
    assert split.columns == ["image_id", "group_id", "split"]
    assert split["image_id"].to_list() == sorted(table["image_id"])
    assert parts(table, split) == {
        "bcc": {"test": 4, "train": 13, "validation": 3},
        "mel": {"test": 4, "train": 13, "validation": 3},
        "nv": {"test": 20, "train": 65, "validation": 15},
    }
    assert split.group_by("group_id").agg(pl.col("split").n_unique())["split"].max() == 1
    assert warnings == []


def test_the_order_of_rows_plays_no_part_and_the_seed_does() -> None:
    table = manifest(*groups_of("nv", 40), *groups_of("mel", 40))
    one, _ = make_split(table, SplitSettings(seed=3, folds=4))
    assert make_split(table.reverse(), SplitSettings(seed=3, folds=4))[0].equals(one)
    other, _ = make_split(table, SplitSettings(seed=4, folds=4))
    assert split_fingerprint(one) != split_fingerprint(other)
    assert split_fingerprint(one) == split_fingerprint(one.reverse())


def test_groups_that_join_later_move_few_others() -> None:
    """A group's rank depends on itself alone: a split can grow with its data."""
    small = manifest(*groups_of("nv", 200, images=1))
    large = manifest(*groups_of("nv", 202, images=1))
    both = make_split(small, SplitSettings())[0].join(make_split(large, SplitSettings())[0], on="image_id")
    assert both.filter(pl.col("split") != pl.col("split_right")).height <= 4


def test_a_group_of_two_classes_counts_for_the_rarer_one() -> None:
    shared = [{"image_id": f"x{g}-{d}", "group_id": f"x{g}", "diagnosis": d} for g in range(10) for d in ("nv", "df")]
    table = manifest(*groups_of("nv", 100, images=1), *shared)
    split, _ = make_split(table, SplitSettings(validation=0.2, test=0.3))
    assert parts(table, split)["df"] == {"test": 3, "train": 5, "validation": 2}


def test_folds_share_out_what_is_not_test() -> None:
    table = manifest(*groups_of("nv", 50), *groups_of("mel", 20))
    split, _ = make_split(table, SplitSettings(test=0.2, folds=5))
    by_fold = {fold: split.filter(pl.col("fold") == fold)["group_id"].n_unique() for fold in range(5)}
    assert by_fold == dict.fromkeys(range(5), 8 + 16 // 5) | {0: 12}
    assert split.filter(pl.col("fold").is_null())["split"].unique().to_list() == ["test"]
    assert (
        split.filter(pl.col("split") == "test")["fold"].null_count() == split.filter(pl.col("split") == "test").height
    )


def test_what_was_test_stays_test_and_only_the_rest_is_dealt() -> None:
    table = manifest(*groups_of("nv", 60), *groups_of("mel", 20))
    first, _ = make_split(table, SplitSettings(seed=0))
    test = first.filter(pl.col("split") == "test")
    again, _ = make_split(table, SplitSettings(seed=1), fixed_test=test["image_id"].to_list())
    assert set(again.filter(pl.col("split") == "test")["group_id"]) == set(test["group_id"])
    one_image_each = test.unique("group_id")["image_id"].to_list()
    assert make_split(table, SplitSettings(seed=1), fixed_test=one_image_each)[0].equals(again)
    fewer, _ = make_split(table, SplitSettings(seed=1), fixed_test=["nvFalse0-0"])
    assert fewer.filter(pl.col("image_id") == "nvFalse0-1")["split"].to_list() == ["test"]
    assert parts(table, fewer)["nv"]["test"] == 9


def test_a_held_out_source_is_tested_on_alone_and_whole() -> None:
    rows = [*groups_of("nv", 20, source="a"), *groups_of("mel", 20, source="a"), *groups_of("mel", 6, malignant=True)]
    for row in rows[-12:]:
        row |= {"image_id": f"b{row['image_id']}", "group_id": f"b{row['group_id']}", "source": "b"}
    # a patient of source b who was photographed at a too goes with b
    rows[0] |= {"group_id": rows[-1]["group_id"]}
    table = manifest(*rows)
    leaving = SplitSettings(strategy="leave_one_source_out", held_out_source="b")
    split, _ = make_split(table, leaving)
    tested = split.filter(pl.col("split") == "test")["image_id"]
    assert set(tested) == set(table.filter(pl.col("source") == "b")["image_id"]) | {rows[0]["image_id"]}
    with pytest.raises(SplitError, match="no image has the source 'c'; the sources are: a, b"):
        make_split(table, leaving.model_copy(update={"held_out_source": "c"}))


def test_where_a_source_is_held_out_earlier_test_groups_of_others_belong_to_no_part() -> None:
    north = groups_of("nv", 20, source="north") + groups_of("mel", 20, source="north")
    south = [
        row | {"image_id": f"s{row['image_id']}", "group_id": f"s{row['group_id']}", "source": "south"} for row in north
    ]
    table = manifest(*north, *south)
    leaving = SplitSettings(strategy="leave_one_source_out", held_out_source="south")
    split, warnings = make_split(table, leaving, fixed_test=["nvFalse3-0", "snvFalse4-1"])
    assert set(table["image_id"]) - set(split["image_id"]) == {"nvFalse3-0", "nvFalse3-1"}
    assert set(split.filter(pl.col("split") == "test")["image_id"]) == {row["image_id"] for row in south}
    assert warnings == [
        "2 image(s) of other sources were test in an earlier split; they are set aside, neither learnt from nor scored"
    ]


def test_a_class_with_one_group_is_refused_with_the_remedy() -> None:
    table = manifest(*groups_of("nv", 20), *groups_of("df", 1, images=3))
    with pytest.raises(SplitError, match=r"class df has a single group.*data\.classes") as caught:
        make_split(table, SplitSettings())
    assert caught.value.exit_code == EXIT_BAD_INPUT


def test_few_groups_are_warned_of() -> None:
    _, warnings = make_split(manifest(*groups_of("nv", 10), *groups_of("df", 9)), SplitSettings())
    assert warnings == ["class df has only 9 groups: its figures will mean little"]


def test_an_unknown_diagnosis_is_no_class_that_could_be_too_small() -> None:
    table = manifest(*groups_of("nv", 20), *groups_of("mel", 20), *groups_of("unknown", 1, malignant=None))
    _, warnings = make_split(table, SplitSettings())
    assert warnings == []


def test_a_single_malignant_group_of_a_benign_diagnosis_is_dealt_with_its_diagnosis() -> None:
    """A dataset's own column may call one nevus malignant; nv is no class of a single group for that."""
    table = manifest(*groups_of("nv", 20), *groups_of("nv", 1, malignant=True), *groups_of("mel", 20))
    split, _ = make_split(table, SplitSettings(validation=0.1, test=0.1))
    assert sum(parts(table, split)["nv"].values()) == 21
    halves = manifest(*groups_of("nv", 1), *groups_of("nv", 1, malignant=True), *groups_of("mel", 20))
    assert parts(halves, make_split(halves, SplitSettings())[0])["nv"] == {"test": 1, "train": 1}


def test_the_binary_task_deals_malignant_and_benign_groups_and_asks_no_diagnosis() -> None:
    """ISIC 2020 names few diagnoses, some of them once."""
    table = manifest(
        *groups_of("unknown", 60, malignant=False),
        *groups_of("mel", 20),
        *groups_of("bkl", 1),
        *groups_of("nv", 19),
    )
    with pytest.raises(SplitError, match="class bkl has a single group"):
        make_split(table, SplitSettings())
    split, warnings = make_split(table, SplitSettings(validation=0.1, test=0.2), task="malignancy")
    assert parts(table, split, "malignant") == {
        False: {"test": 16, "train": 56, "validation": 8},
        True: {"test": 4, "train": 14, "validation": 2},
    }
    assert warnings == []
    one = table.filter((pl.col("diagnosis") != "mel") | (pl.col("group_id") == "melTrue0"))
    with pytest.raises(SplitError, match="class malignant has a single group"):
        make_split(one, SplitSettings(), task="malignancy")


def test_a_class_of_which_nothing_is_left_to_learn_from_is_refused() -> None:
    table = manifest(*groups_of("nv", 20), *groups_of("mel", 3))
    held = table.filter(pl.col("diagnosis") == "mel")["image_id"].to_list()
    with pytest.raises(SplitError, match="all 3 groups of class mel are for validation or test"):
        make_split(table, SplitSettings(), fixed_test=held)


def test_a_group_in_two_parts_is_refused_and_named() -> None:
    table = manifest(*groups_of("nv", 3))
    split = make_split(table, SplitSettings())[0]
    torn = split.with_columns(
        pl.when(pl.col("image_id") == "nvFalse1-0").then(pl.lit("train")).otherwise(pl.lit("test")).alias("split")
    )
    with pytest.raises(LeakageError, match=r"1 group\(s\) .* nvFalse1 in test and train"):
        check_no_shared_groups(torn)
    # what the split itself calls a group doesn't count where the manifest knows better
    renamed = torn.with_columns(pl.col("image_id").alias("group_id"))
    check_no_shared_groups(renamed)
    with pytest.raises(LeakageError, match="nvFalse1"):
        check_no_shared_groups(renamed, table)


def test_the_leak_of_a_random_split_is_that_of_a_hand_computed_case() -> None:
    """Every image has a twin in its group: at half the images, a twin stays behind for half of the test images."""
    rows = groups_of("nv", 2000)
    leak = leakage_of_random_split(manifest(*rows), test=0.5, seed=0)
    assert leak["test_images"] == 2000
    assert leak["leaked_share"] == pytest.approx(0.5, abs=0.03)
    assert leak["leaked_share_malignant"] == 0
    alone = leakage_of_random_split(manifest(*groups_of("nv", 50, images=1)), test=0.5, seed=0)
    assert alone["leaked_share"] == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"validation": 0.5, "test": 0.5}, "leave nothing to train on"),
        ({"held_out_source": "x"}, "held_out_source belongs to strategy leave_one_source_out"),
        ({"strategy": "leave_one_source_out"}, "the one needs the other"),
        ({"folds": 1}, "folds must be 0"),
        ({"test": 0.0}, "greater than 0"),
    ],
)
def test_settings_that_make_no_sense_are_refused(options: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        SplitSettings(**options)


@settings(max_examples=60, deadline=None)
@given(
    labels=st.lists(
        st.tuples(st.sampled_from(["nv", "mel", "df", "unknown"]), st.integers(0, 12), st.booleans()),
        min_size=4,
        max_size=80,
    ),
    seed=st.integers(0, 99),
    task=st.sampled_from(["diagnosis", "malignancy"]),
)
def test_whatever_the_data_every_image_has_one_part_and_every_group_too(labels, seed, task) -> None:
    rows = [
        {"image_id": f"i{n}", "group_id": f"g{group}", "diagnosis": label, "malignant": bad}
        for n, (label, group, bad) in enumerate(labels)
    ]
    table = manifest(*rows)
    try:
        split, _ = make_split(table, SplitSettings(seed=seed), task=task)
    except SplitError:
        return
    assert split["image_id"].to_list() == sorted(table["image_id"])
    assert set(split["split"]) <= {"train", "validation", "test"}
    check_no_shared_groups(split, table)
