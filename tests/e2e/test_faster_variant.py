"""`nevus models add`: a converted bundle goes through measuring, gate and registry of its own."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from PIL import Image

from nevus.bundle import Predictor, bundle_digest, read_bundle_manifest
from nevus.bundle.conversion import convert_bundle
from nevus.bundle.directory import GRAPH, verify_checksums
from nevus.bundle.schema import Fingerprints, RuntimeSpec
from nevus.bundle.write import write_bundle
from nevus.evaluation.results import TEST, read_results
from nevus.imaging import read_image
from nevus.pipeline.tables import read_split_manifest
from tiny_run import Done, nevus, policy

pytestmark = pytest.mark.slow  # they live of one whole training
QUIET = {"NEVUS_TRACKING__ENABLED": "false"}


def training_images(run: Path, folder: Path) -> list[Path]:
    """The training part as files."""
    rows = read_split_manifest(str(run / "manifest.parquet"), str(run / "split.parquet"))
    folder.mkdir()
    for name, uri in rows.filter(pl.col("split") == "train").select("image_id", "uri").iter_rows():
        Image.fromarray(read_image(uri).pixels).save(folder / f"{name}.png")
    return sorted(folder.iterdir())


@pytest.fixture
def int8(copied, tmp_path) -> Path:
    images = training_images(copied.out, tmp_path / "calibration")
    convert_bundle(copied.out / "bundle", tmp_path / "int8", RuntimeSpec(precision="int8"), images=images)
    return tmp_path / "int8"


def add(copied, bundle: Path, *options: object, lenient: bool = True) -> Done:
    """Add a bundle, by default by a policy that anything passes and whatever its answers are."""
    easy = copied.config.parent / "easy.yaml"
    easy.write_text(policy(0.0))
    if lenient:
        options = ("--policy", easy, "--least-agreement", "0", *options)
    return nevus("models", "add", bundle, "--run", copied.out, "--json", *options, home=copied.home, **QUIET)


def test_a_variant_becomes_a_candidate_with_its_own_figures(copied, int8):
    done = add(copied, int8)
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert found["registered"]["state"] == "candidate"
    assert found["registered"]["version"] == "tiny/2"
    folder = copied.out / "variants" / "onnxruntime-int8"
    assert found["output"] == str(folder)

    own, other = (pl.read_parquet(place / "predictions.parquet") for place in (folder, copied.out))
    assert own["image_id"].to_list() == other["image_id"].to_list()
    assert set(own["split"]) == {"validation", "test"}
    columns = [name for name in own.columns if name in ("p_mel", "p_nv")]
    apart = (own.select(columns).to_numpy() - other.select(columns).to_numpy()).__abs__()
    same = own.select(columns).to_numpy().argmax(1) == other.select(columns).to_numpy().argmax(1)
    assert found["parity"]["images"] == own.height
    assert found["parity"]["largest_difference"] == pytest.approx(apart.max())
    assert found["parity"]["largest_difference"] > 1e-5  # it is another arithmetic
    assert found["parity"]["same_diagnosis"] == pytest.approx(same.mean())
    assert found["parity"]["same_verdict"] == pytest.approx((own["verdict"] == other["verdict"]).mean())

    sealed = folder / "bundle"
    assert verify_checksums(sealed) == found["registered"]["digest"]
    with Predictor(sealed, threads=1) as predictor:
        assert (predictor.manifest.runtime.precision, predictor.precision) == ("int8", "int8")
        assert predictor.manifest.converted_from.digest == bundle_digest(copied.out / "bundle")
    results = read_results(sealed / "metrics.json")
    assert results.provenance.runtime == "onnxruntime int8"
    assert results.provenance.bundle_digest == bundle_digest(int8)
    assert results.test_openings == 2  # the run's own look was the first
    test = own.filter(pl.col("split") == TEST)
    classes = read_bundle_manifest(sealed).classes
    right = test.select([f"p_{c}" for c in classes]).to_numpy().argmax(1) == test["label"].to_numpy()
    assert results.subsets[TEST].metrics["accuracy"].value == pytest.approx(right.mean())
    card = (sealed / "card.md").read_text()
    assert "onnxruntime, int8" in card
    assert f"bundle {bundle_digest(copied.out / 'bundle')[:12]}" in card

    listed = json.loads(nevus("models", "show", "tiny/2", "--json", home=copied.home).out)
    assert listed["bundle_uri"] == str(sealed)
    assert {line["rule"] for line in listed["gate"]["lines"]} == {"accuracy", "parity-diagnosis", "parity-verdict"}


def test_the_same_variant_again_is_neither_measured_nor_registered_again(copied, int8):
    first = json.loads(add(copied, int8).out)
    metrics = copied.out / "variants" / "onnxruntime-int8" / "metrics.json"
    before = metrics.stat().st_mtime_ns
    again = json.loads(add(copied, int8).out)
    assert again == first
    assert metrics.stat().st_mtime_ns == before
    assert len(json.loads(nevus("models", "list", "--json", home=copied.home).out)) == 2


def test_another_bundle_does_not_take_the_folder_of_a_registered_one(copied, int8, tmp_path):
    assert add(copied, int8).code == 0
    convert_bundle(int8, tmp_path / "other", RuntimeSpec(precision="int8"))
    refused = add(copied, tmp_path / "other")
    assert refused.code == 2
    assert "variant.digest" in refused.err
    assert "--out" in refused.err
    assert add(copied, tmp_path / "other", "--out", tmp_path / "elsewhere").code == 0


def test_one_that_fails_the_policy_is_rejected_and_can_not_be_promoted(copied, int8):
    done = add(copied, int8, lenient=False)  # the run's own policy, which nothing passes
    assert done.code == 0
    found = json.loads(done.out)
    assert (found["passed"], found["registered"]["state"]) == (False, "rejected")
    shown = json.loads(nevus("models", "show", "tiny/2", "--json", home=copied.home).out)
    assert any(reason.startswith("accuracy: ") for reason in shown["reasons"])
    refused = nevus("models", "promote", "tiny/2", home=copied.home)
    assert refused.code == 2
    listed = json.loads(nevus("models", "list", "--json", home=copied.home).out)
    assert {row["ref"]: row["state"] for row in listed}["tiny/2"] == "rejected"


def test_one_whose_answers_are_others_than_the_models_is_rejected_for_that(copied, tmp_path):
    own = copied.out / "bundle"
    manifest = read_bundle_manifest(own)
    turned = tmp_path / "turned"  # claims to come from the run's bundle, and refers everyone
    convert_bundle(own, tmp_path / "same", RuntimeSpec())
    manifest = read_bundle_manifest(tmp_path / "same")
    points = tuple(point.model_copy(update={"threshold": 0.0}) for point in manifest.operating_points)
    write_bundle(turned, manifest.model_copy(update={"operating_points": points}), own / GRAPH)
    easy = copied.config.parent / "easy.yaml"
    easy.write_text(policy(0.0))
    done = add(copied, turned, "--policy", easy, lenient=False)
    found = json.loads(done.out)
    states = {line["rule"]: line["passed"] for line in found["gate"]["lines"]}
    assert found["parity"]["same_diagnosis"] == 1
    assert found["parity"]["same_verdict"] < 0.95
    assert states == {"accuracy": True, "parity-diagnosis": True, "parity-verdict": False}
    assert found["registered"]["state"] == "rejected"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"classes": ("nv", "bcc"), "malignant": ("bcc",)}, "it knows nv, bcc"),
        ({"malignant": ("mel", "nv")}, "count as malignant"),
        ({"fingerprints": Fingerprints(split="0" * 64)}, "was trained on another split"),
        ({"fingerprints": Fingerprints()}, "doesn't say which split"),
    ],
)
def test_another_model_is_refused_before_the_test_part_is_opened(copied, tmp_path, changed, said):
    own = copied.out / "bundle"
    other = tmp_path / "other"
    write_bundle(other, read_bundle_manifest(own).model_copy(update=changed), own / GRAPH)
    refused = add(copied, other)
    assert refused.code == 2
    assert said in refused.err
    assert not (copied.out / "variants").exists()
    audit = json.loads(nevus("audit", "list", "--json", home=copied.home).out)
    assert [row["action"] for row in audit].count("test.open") == 1


def test_a_changed_bundle_and_an_unfinished_run_are_refused(copied, int8, tmp_path):
    with (int8 / GRAPH).open("ab") as graph:
        graph.write(b"\0")
    refused = add(copied, int8)
    assert refused.code == 2
    assert "was changed after the bundle was written" in refused.err
    for folder in (copied.out, copied.out / "bundle"):
        refused = add(copied, copied.out / "bundle", "--out", folder)
        assert refused.code == 2
        assert "would overwrite" in refused.err
    convert_bundle(copied.out / "bundle", tmp_path / "same", RuntimeSpec())
    os.truncate(copied.out / "predictions.parquet", 10)
    refused = add(copied, tmp_path / "same", "--out", tmp_path / "elsewhere")
    assert refused.code == 2
    assert "predictions.parquet has changed" in refused.err
    refused = nevus("models", "add", tmp_path / "same", "--run", tmp_path, home=copied.home)
    assert refused.code == 2
    assert "is not the output folder of a run" in refused.err


def test_erasing_a_patient_reaches_the_tables_and_the_report_of_a_variant(copied, int8, tmp_path):
    copied = replace(copied, home=tmp_path / "fresh")  # the copied one knows the run that all tests share
    assert add(copied, int8).code == 0
    folder = copied.out / "variants" / "onnxruntime-int8"
    rows = read_split_manifest(str(folder / "manifest.parquet"), str(folder / "split.parquet"))
    patient = rows.filter((pl.col("split") == TEST) & pl.col("patient_id").is_not_null())["patient_id"][0]
    images = rows.filter(pl.col("patient_id") == patient)["image_id"].to_list()

    def tables_that_name_them() -> list[str]:
        tables = [pl.read_parquet(path) for path in sorted(folder.glob("*.parquet")) if path.stem != "duplicates"]
        return [table.columns[0] for table in tables if table.filter(pl.col("image_id").is_in(images)).height]

    assert len(tables_that_name_them()) == 4  # manifest, split, and both tables of predictions
    done = nevus("erase", "--patient", patient, home=copied.home)
    assert done.code == 0, done.err
    assert tables_that_name_them() == []
    assert not (folder / "report.html").exists()
