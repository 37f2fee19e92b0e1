"""The binary task on real patients: few malignant lesions, few diagnoses, and files with red and blue exchanged."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from nevus.data.manifest import read_manifest
from nevus.data.prepare import PreparedImages
from nevus.evaluation.results import read_results
from real_parts import write_config, write_part
from tiny_run import nevus

# one training and one export of a real network
pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(900)]

BENIGN_OF_A_PATIENT = 7


def some_images(table: pl.DataFrame) -> pl.DataFrame:
    """Every patient, every malignant image, and some benign ones of each patient."""
    benign = table.filter(pl.col("target") == "0").group_by("patient_id", maintain_order=True).head(BENIGN_OF_A_PATIENT)
    return pl.concat([table.filter(pl.col("target") == "1"), benign.select(table.columns)])


@pytest.fixture(scope="module")
def part(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The section `data`."""
    return write_part(shared, "isic2020", some_images, tmp_path_factory.mktemp("isic") / "data")


def check(part: dict[str, str], out: Path, *options: str) -> dict:
    options = ("--set", f"data.images={part['images']}", "--set", "task=malignancy", *options)
    command = ("data", "check", "--source", "isic2020", "--root", part["root"], "--out", out, "--json")
    done = nevus(*command, *options, home=out / "home")
    assert done.code == 0, done.err
    return json.loads(done.out)


def test_the_check_notices_that_red_and_blue_are_exchanged_and_the_option_puts_them_back(part, tmp_path):
    before = check(part, tmp_path / "before")
    (warning,) = [text for text in before["warnings"] if "bluer than red" in text]
    assert "of isic2020 are bluer than red" in warning
    assert "data.channels to bgr" in warning
    after = check(part, tmp_path / "after", "--set", "data.channels=bgr")
    assert [text for text in after["warnings"] if "bluer than red" in text] == []
    assert after["accepted"] == before["accepted"]
    done = nevus(
        "data", "describe", tmp_path / "after" / "manifest.parquet", "--out", tmp_path / "d.html", home=tmp_path
    )
    assert done.code == 0


@pytest.fixture(scope="module")
def out(part: dict[str, str], weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output folder of a run of the binary task."""
    folder = tmp_path_factory.mktemp("run")
    sections = {"task": "malignancy", "data": part | {"channels": "bgr"}, "gate": {"policy": "malignancy"}}
    config = write_config(folder / "isic.yaml", weights, name="isic2020", **sections)
    done = nevus("run", config, "--out", folder / "out", "--strict", home=folder / "home")
    assert done.code == 1, done.err  # so few malignant patients prove nothing, and the gate says so
    assert "isic2020/1 is registered as rejected" in done.out
    return folder / "out"


def test_patients_stay_together_and_malignant_ones_are_in_every_part(out):
    joined = read_manifest(out / "manifest.parquet").join(
        pl.read_parquet(out / "split.parquet").select("image_id", "split"), on="image_id"
    )
    assert joined["patient_id"].n_unique() == 49
    assert joined["malignant"].sum() == 20
    assert joined.group_by("patient_id").agg(pl.col("split").n_unique())["split"].max() == 1
    assert set(joined.filter(pl.col("malignant"))["split"]) == {"train", "validation", "test"}
    assert joined["channels"].unique().to_list() == ["bgr"]


def test_what_is_trained_on_is_skin_coloured(out):
    images = PreparedImages.open(out / "prepared")
    red, _, blue = np.mean([images.pixels(n).mean((0, 1)) for n in range(0, len(images), 10)], axis=0)
    assert red > blue + 20


def test_it_learns_benign_and_malignant_and_judges_by_them(out):
    results = read_results(out / "metrics.json")
    assert results.task == "malignancy"
    assert tuple(results.classes) == ("benign", "malignant")
    test = results.subsets["test"]
    assert 0 <= test.metrics["malignant_auroc"].value <= 1
    assert test.n_malignant_groups == 2
    verdict = json.loads((out / "gate.json").read_text())
    assert verdict["passed"] is False
    page = (out / "report.html").read_text()
    assert "isic2020" in page
