"""The step that splits: test groups are remembered between runs, by what their images are and not by their names."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from manifest_factory import manifest
from nevus.data.manifest import read_manifest, write_manifest
from nevus.data.splits import SplitSettings
from nevus.pipeline.settings import SplitSection
from nevus.pipeline.step import Outcome
from nevus.pipeline.steps.split import run
from nevus.store import StoreSettings

Row = dict[str, Any]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def lesion_images(change: Callable[[int], Row] = lambda _: {}) -> list[Row]:
    """Eighty images of forty lesions, of which every other one is a melanoma."""
    return [
        {"image_id": f"i{n}", "group_id": f"g{n // 2}", "dataset": "clinic", "malignant": n % 4 < 2}
        | {"diagnosis": "mel" if n % 4 < 2 else "nv", "sha256": sha256(f"image {n}")}
        | change(n)
        for n in range(80)
    ]


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def split(out: Path, home: Path, rows: list[Row], **settings: object) -> tuple[pl.DataFrame, Outcome]:
    """One run of the step, into a folder of its own: the manifest's rows that have a part, and what the step says."""
    out.mkdir()
    write_manifest(manifest(*rows), out / "manifest.parquet")
    chosen = SplitSettings.model_validate({"test": 0.2} | settings)
    section = SplitSection(task="diagnosis", split=chosen, store=StoreSettings(home=home))
    outcome = run(section, {"manifest": str(out / "manifest.parquet")}, str(out))
    table = pl.read_parquet(out / "split.parquet")
    assert outcome.summary["parts"]["test"]["groups"] == table.filter(pl.col("split") == "test")["group_id"].n_unique()
    assert table.columns == ["image_id", "group_id", "split"]
    return read_manifest(out / "manifest.parquet").join(table.select("image_id", "split"), on="image_id"), outcome


def held(table: pl.DataFrame, what: str = "group_id") -> set[str]:
    return set(table.filter(pl.col("split") == "test")[what])


def test_it_leaves_a_row_an_image_with_its_group_and_part(tmp_path: Path, home: Path) -> None:
    table, outcome = split(tmp_path / "out", home, lesion_images())
    assert table.height == 80
    assert len(held(table)) == 8
    assert (outcome.summary["set_aside"], outcome.notices) == (0, ())


def test_what_one_run_tested_on_no_other_run_trains_on(tmp_path: Path, home: Path) -> None:
    first, _ = split(tmp_path / "one", home, lesion_images(), seed=0)
    second, outcome = split(tmp_path / "two", home, lesion_images(), seed=1)
    assert held(first) == held(second)
    assert outcome.summary["kept_from_earlier_splits"] == 16
    assert not first.equals(second)  # the rest was dealt anew
    elsewhere, _ = split(tmp_path / "three", tmp_path / "another-home", lesion_images(), seed=2)
    assert held(elsewhere) != held(first)


def test_an_image_is_recalled_under_another_name_in_another_dataset(tmp_path: Path, home: Path) -> None:
    first, _ = split(tmp_path / "one", home, lesion_images())
    renamed = lesion_images(lambda n: {"image_id": f"export/{n}.jpg", "group_id": f"x{n // 2}", "dataset": "export"})
    second, _ = split(tmp_path / "two", home, renamed, seed=1)
    assert held(second, "sha256") == held(first, "sha256")


def test_an_image_of_the_archive_is_recalled_though_another_dataset_re_encoded_it(tmp_path: Path, home: Path) -> None:
    named = lesion_images(lambda n: {"image_id": f"ISIC_{n:07d}"})
    first, _ = split(tmp_path / "one", home, named)
    smaller = lesion_images(
        lambda n: {"image_id": f"ISIC_{n:07d}_downsampled", "dataset": "isic2019", "sha256": sha256(f"smaller {n}")}
    )
    second, _ = split(tmp_path / "two", home, smaller, seed=1)
    assert held(second, "group_id") == held(first, "group_id")


def test_other_images_of_the_same_names_have_nothing_to_do_with_it(tmp_path: Path, home: Path) -> None:
    """Two folders of the default name, or a cohort drawn with another seed."""
    first, _ = split(tmp_path / "one", home, lesion_images())
    others = lesion_images(lambda n: {"sha256": sha256(f"another image {n}")})
    second, outcome = split(tmp_path / "two", home, others, seed=1)
    assert held(second) != held(first)
    assert outcome.summary["kept_from_earlier_splits"] == 0


def of_two_clinics() -> list[Row]:
    """The first half of the lesions are of the north, the other half of the south."""
    return lesion_images(lambda n: {"source": "north" if n < 40 else "south"})


SOUTH = {"strategy": "leave_one_source_out", "held_out_source": "south"}


def test_a_source_that_was_held_out_can_be_learnt_from_in_a_later_run(tmp_path: Path, home: Path) -> None:
    alone, _ = split(tmp_path / "one", home, of_two_clinics(), **SOUTH)
    assert held(alone, "source") == {"south"}
    usual, outcome = split(tmp_path / "two", home, of_two_clinics())
    assert outcome.summary["kept_from_earlier_splits"] == 0
    assert len(held(usual)) == 8
    assert set(usual.filter(pl.col("split") == "train")["source"]) == {"north", "south"}


def test_what_was_test_elsewhere_is_neither_learnt_from_nor_scored_where_a_source_is_held_out(
    tmp_path: Path, home: Path
) -> None:
    usual, _ = split(tmp_path / "one", home, of_two_clinics())
    of_north = set(usual.filter(pl.col("split") == "test", pl.col("source") == "north")["image_id"])
    assert of_north
    alone, outcome = split(tmp_path / "two", home, of_two_clinics(), **SOUTH)
    assert held(alone, "source") == {"south"}
    assert alone.filter(pl.col("split") == "test").height == 40
    assert {row["image_id"] for row in of_two_clinics()} - set(alone["image_id"]) == of_north
    assert outcome.summary["set_aside"] == len(of_north)
    assert any(f"{len(of_north)} image(s) of other sources were test" in notice for notice in outcome.notices)
