"""The main job on a few hundred real images of seven diagnoses, from the folder to the registered model."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from nevus.bundle import Predictor
from nevus.data.settings import DatasetSettings
from nevus.data.sources import open_source
from nevus.data.splits import SplitSettings, make_split, split_fingerprint
from nevus.evaluation.results import read_results
from real_parts import write_config, write_part
from tiny_run import nevus

# one training and one export of a real network
pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(900)]

LESIONS = {"nv": 70, "mel": 50, "bkl": 40, "bcc": 30, "akiec": 24, "vasc": 16, "df": 16}


def some_lesions(table: pl.DataFrame) -> pl.DataFrame:
    """All images of the first lesions of each diagnosis."""
    chosen = [
        table.filter(pl.col("dx") == dx)["lesion_id"].unique().sort().head(count).to_list()
        for dx, count in LESIONS.items()
    ]
    return table.filter(pl.col("lesion_id").is_in([lesion for lesions in chosen for lesion in lesions]))


@pytest.fixture(scope="module")
def run(shared: Path, weights: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The output folder and the home."""
    folder = tmp_path_factory.mktemp("ham")
    data = write_part(shared, "ham10000", some_lesions, folder / "data")
    config = write_config(folder / "ham.yaml", weights, name="ham", data=data)
    done = nevus("run", config, "--out", folder / "out", home=folder / "home")
    assert done.code == 0, done.err
    return folder / "out", folder / "home"


def test_a_short_training_tells_malignant_from_benign_better_than_chance(run):
    out, home = run
    results = read_results(out / "metrics.json")
    assert set(results.classes) == set(LESIONS)
    scores = results.subsets["test"].metrics
    assert scores["malignant_auroc"].value > 0.7
    assert scores["balanced_accuracy"].value > 2 / 7
    (version,) = json.loads(nevus("models", "list", "--json", home=home).out)
    assert version["ref"] == "ham/1"
    assert version["state"] in ("candidate", "rejected")
    assert version["commercial_use"] is False  # the images' licence is handed down


def test_all_rows_are_used_lesions_stay_together_and_the_card_says_what_is_not_known(run):
    out, _ = run
    manifest, split = pl.read_parquet(out / "manifest.parquet"), pl.read_parquet(out / "split.parquet")
    assert pl.read_parquet(out / "checks" / "rejected.parquet").is_empty()
    joined = manifest.join(split.select("image_id", "split"), on="image_id")
    assert joined.height == manifest.height > sum(LESIONS.values())  # some lesions have several images
    assert joined.group_by("lesion_id").agg(pl.col("split").n_unique())["split"].max() == 1
    parts = joined.group_by("diagnosis").agg(pl.col("split").n_unique())
    assert parts["split"].to_list() == [3] * 7
    card = (out / "bundle" / "card.md").read_text()
    assert "CC-BY-NC-4.0" in card
    assert "not assessed" in card.lower()


def test_the_report_shows_real_cases(run):
    page = (run[0] / "report.html").read_text()
    assert page.count("data:image/") >= 8
    assert "Melanoma" in page


def test_the_bundle_answers_an_image_as_it_did_in_the_evaluation(run):
    out, home = run
    manifest = pl.read_parquet(out / "manifest.parquet").select("image_id", "uri")
    row = (
        pl.read_parquet(out / "predictions.parquet").filter(pl.col("split") == "test").join(manifest, on="image_id")
    ).row(0, named=True)
    done = nevus("predict", row["uri"], "--bundle", out / "bundle", "--json", "--raw", home=home)
    assert json.loads(done.out)["p_malignant"] == pytest.approx(row["p_malignant"], abs=1e-5)
    with Predictor(out / "bundle") as predictor:
        assert predictor.manifest.input.width == 128


def test_the_deal_of_seed_0_stays_what_it_was_before_the_first_training(shared):
    """Over the table as it is published; duplicates that a run finds join groups of it."""
    manifest = open_source(DatasetSettings(source="ham10000", root=str(shared / "data" / "ham10000"))).read()
    split, _ = make_split(manifest, SplitSettings(seed=0))
    assert split_fingerprint(split) == "e76369eac1a674b987b2dbc71bd77a225cd9b7694256b080205178e2076b3d27"
