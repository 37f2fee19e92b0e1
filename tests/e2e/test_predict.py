"""`nevus predict` with the bundle that a run has left."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from nevus.bundle import Prediction, Predictor
from tiny_run import nevus

pytestmark = pytest.mark.slow  # one whole training, which the tests of this folder share

VERDICTS = {"low_suspicion", "suspicious", "refer", "unusable"}


def predict(finished, *arguments: object) -> tuple[int, list[dict]]:
    done = nevus("predict", *arguments, "--bundle", finished.out / "bundle", "--json", home=finished.home)
    return done.code, [json.loads(line) for line in done.out.splitlines()]


@pytest.fixture(scope="module")
def tested(finished) -> pl.DataFrame:
    """The test images' predictions, with the addresses of the files."""
    manifest = pl.read_parquet(finished.out / "manifest.parquet").select("image_id", "uri")
    predictions = pl.read_parquet(finished.out / "predictions.parquet").filter(pl.col("split") == "test")
    return predictions.join(manifest, on="image_id").sort("image_id")


def test_each_image_is_answered_as_it_was_when_the_figures_were_made(finished, tested):
    code, records = predict(finished, *tested["uri"], "--raw")
    assert code == 0
    assert [record["path"] for record in records] == tested["uri"].to_list()
    for record, row in zip(records, tested.iter_rows(named=True), strict=True):
        keys = {"path", "diagnosis", "probabilities", "p_malignant", "verdict", "reasons", "ood_score"}
        assert keys <= record.keys()
        assert record["probabilities"] == pytest.approx({"mel": row["p_mel"], "nv": row["p_nv"]}, abs=1e-5)
        assert record["diagnosis"] == max(record["probabilities"], key=record["probabilities"].get)
        assert record["p_malignant"] == pytest.approx(row["p_malignant"], abs=1e-5)
        assert record["ood_score"] == pytest.approx(row["ood_score"], rel=1e-4, abs=1e-4)
        assert record["verdict"] == row["verdict"]
        assert record["verdict"] in VERDICTS
        assert record["reasons"] == row["reasons"]


def test_python_gives_the_same(finished, tested):
    with Predictor(finished.out / "bundle") as predictor:
        answers = predictor.predict(tested["uri"].to_list())
    assert all(isinstance(answer, Prediction) for answer in answers)
    _, records = predict(finished, *tested["uri"])
    assert [answer.as_record()["probabilities"] for answer in answers] == [r["probabilities"] for r in records]


def test_a_folder_with_a_bad_file_is_answered_to_the_end_and_the_exit_code_says_so(finished, tested, tmp_path):
    for number, uri in enumerate(tested["uri"][:2]):
        (tmp_path / f"{number}.jpg").write_bytes(Path(uri).read_bytes())
    (tmp_path / "0-broken.jpg").write_bytes(Path(tested["uri"][2]).read_bytes()[:200])
    code, records = predict(finished, tmp_path)
    assert code == 1
    assert [Path(record["path"]).name for record in records] == ["0-broken.jpg", "0.jpg", "1.jpg"]
    assert "0-broken.jpg" in records[0]["error"]
    assert "verdict" not in records[0]
    assert all("error" not in record for record in records[1:])


def test_a_refused_image_carries_its_probabilities_only_with_raw(finished, tmp_path):
    Image.new("RGB", (80, 64), (200, 160, 140)).save(tmp_path / "skin.png")
    _, (plain,) = predict(finished, tmp_path / "skin.png")
    _, (raw,) = predict(finished, tmp_path / "skin.png", "--raw")
    assert (plain["verdict"], raw["verdict"]) == ("unusable", "unusable")
    assert "blank" in plain["reasons"]
    assert plain["diagnosis"] is plain["probabilities"] is None
    assert sum(raw["probabilities"].values()) == pytest.approx(1, abs=1e-5)


def test_the_evidence_lies_over_the_image(finished, tested, tmp_path):
    row = tested.sort("p_malignant", descending=True).row(0, named=True)
    code, (record,) = predict(finished, row["uri"], "--evidence", tmp_path / "maps")
    assert code == 0
    assert record["evidence"] == str(tmp_path / "maps" / f"{row['image_id']}.evidence.png")
    with Image.open(record["evidence"]) as overlay, Image.open(row["uri"]) as image:
        shown, seen = np.asarray(overlay.convert("RGB")).astype(int), np.asarray(image).astype(int)
    assert shown.shape == seen.shape  # the input has the image's own shape, so nothing is cut off
    changed = np.abs(shown - seen).max(-1)
    assert changed.max() - changed.min() > 20  # a map, no veil


def test_without_a_bundle_it_says_how_to_name_one(finished, tested):
    done = nevus("predict", tested["uri"][0], home=finished.home)
    assert done.code == 2
    assert "--bundle DIR" in done.err
