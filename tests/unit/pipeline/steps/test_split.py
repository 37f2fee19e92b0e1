"""The step that splits: test groups are remembered between runs, and drawn ones aren't."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from manifest_factory import manifest
from nevus.data.manifest import write_manifest
from nevus.data.settings import DatasetSettings
from nevus.data.splits import SplitSettings
from nevus.pipeline.settings import SplitSection
from nevus.pipeline.steps.split import run
from nevus.store import StoreSettings


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def split(tmp_path: Path, home: Path, seed: int, *, dataset: str = "clinic", task: str = "diagnosis") -> pl.DataFrame:
    """One run of the step over forty lesions, each with its own diagnosis beside nevi."""
    rows = [
        {"image_id": f"i{n}", "group_id": f"g{n // 2}", "dataset": dataset, "malignant": n % 4 < 2}
        | {"diagnosis": "mel" if n % 4 < 2 else "nv"}
        for n in range(80)
    ]
    out = tmp_path / f"{dataset}-{seed}-{task}"
    out.mkdir()
    write_manifest(manifest(*rows), out / "manifest.parquet")
    section = SplitSection(task=task, split=SplitSettings(seed=seed, test=0.2), store=StoreSettings(home=home))
    outcome = run(section, {"manifest": str(out / "manifest.parquet")}, str(out))
    table = pl.read_parquet(out / "split.parquet")
    assert outcome.summary["parts"]["test"]["groups"] == len(held(table))
    return table


def held(table: pl.DataFrame) -> set[str]:
    return set(table.filter(pl.col("split") == "test")["group_id"])


def test_it_leaves_a_row_an_image_with_its_group_and_part(tmp_path: Path, home: Path) -> None:
    table = split(tmp_path, home, 0)
    assert table.columns == ["image_id", "group_id", "split"]
    assert table.height == 80
    assert len(held(table)) == 8


def test_what_one_run_tested_on_no_other_run_trains_on(tmp_path: Path, home: Path) -> None:
    first, second = split(tmp_path, home, 0), split(tmp_path, home, 1)
    assert held(first) == held(second)
    assert not first.equals(second)  # the rest was dealt anew
    elsewhere = split(tmp_path, tmp_path / "another-home", 2)
    assert held(elsewhere) != held(first)


def test_another_dataset_with_the_same_names_has_nothing_to_do_with_it(tmp_path: Path, home: Path) -> None:
    assert held(split(tmp_path, home, 0)) != held(split(tmp_path, home, 1, dataset="elsewhere"))


def test_a_drawn_cohort_is_not_remembered_since_its_names_come_again_for_other_pictures(
    tmp_path: Path, home: Path
) -> None:
    drawn = {seed: held(split(tmp_path, home, seed, dataset="synthetic")) for seed in (0, 1)}
    assert drawn[0] != drawn[1]


def test_no_other_dataset_may_take_the_name_whose_test_part_is_forgotten() -> None:
    with pytest.raises(ValueError, match="the name synthetic is that of drawn cohorts"):
        DatasetSettings(source="table", root="x", name="synthetic")
    assert DatasetSettings(source="synthetic", name="synthetic").name == "synthetic"
