"""What MLflow holds of a whole run: settings, figures of every epoch, artefacts, and what the run came from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nevus.bundle import bundle_digest, read_bundle_manifest
from nevus.data.manifest import content_fingerprint, read_manifest
from nevus.data.splits import split_fingerprint
from nevus.evaluation.results import TEST, read_results
from nevus.pipeline.engines import LocalEngine
from nevus.pipeline.main_job import MAIN_JOB
from nevus.pipeline.settings import RunSettings
from nevus.pipeline.tables import read_split_manifest
from nevus.provenance import code_revision
from nevus.store import Registry, open_store

pytestmark = pytest.mark.slow  # the whole pipeline, with an export

SETTINGS = {
    "name": "tracked",
    "data": {"source": "synthetic", "synthetic": {"lesions": 150, "width": 80, "height": 64}},
    "duplicates": {"near": False},
    "prepare": {"short_side": 56, "workers": 1},
    "model": {"backbone": "test_resnet", "weights": "none", "height": 48, "width": 64},
    "training": {"head_epochs": 0, "epochs": 2, "batch_size": 16, "workers": 0, "threads": 1},
    "novelty": {"images": 60, "drawn": 1, "made": 4},
    "evaluation": {"replicates": 50},
    "gate": {"policy": "demo"},
}


def test_mlflow_holds_a_whole_run_and_the_version_leads_to_it(tmp_path: Path):
    home, out = tmp_path / "home", tmp_path / "out"
    tree = RunSettings.model_validate({**SETTINGS, "store": {"home": home}, "tracking": {"experiment": "lesions"}})
    LocalEngine().run(MAIN_JOB, tree, str(out))

    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{home / 'mlflow.db'}")
    (run,) = client.search_runs([client.get_experiment_by_name("lesions").experiment_id])
    assert (run.info.run_name, run.info.status) == ("tracked", "FINISHED")

    assert run.data.params["training.epochs"] == "2"
    assert run.data.params["model.backbone"] == "test_resnet"
    whole = json.loads(Path(client.download_artifacts(run.info.run_id, "settings.json", str(tmp_path))).read_text())
    assert whole["training"]["optimiser"]["learning_rate"] == tree.training.optimiser.learning_rate

    history = json.loads((out / "history.json").read_text())
    for name in ("train_loss", "learning_rate", "validation_balanced_accuracy", "validation_nll"):
        figures = [(point.step, point.value) for point in client.get_metric_history(run.info.run_id, name)]
        assert figures == [(entry["epoch"], entry[name]) for entry in history]
    scores = read_results(out / "metrics.json").subsets[TEST]
    assert run.data.metrics["test_balanced_accuracy"] == scores.metrics["balanced_accuracy"].value

    rows = read_split_manifest(str(out / "manifest.parquet"), str(out / "split.parquet"))
    assert run.data.tags["nevus.code_revision"] == code_revision()
    assert run.data.tags["nevus.content_fingerprint"] == content_fingerprint(read_manifest(out / "manifest.parquet"))
    assert run.data.tags["nevus.split_fingerprint"] == split_fingerprint(rows)
    assert run.data.tags["nevus.bundle_digest"] == bundle_digest(out / "bundle")
    fingerprints = read_bundle_manifest(out / "bundle").fingerprints
    assert fingerprints.content == run.data.tags["nevus.content_fingerprint"]

    kept = {artefact.path for artefact in client.list_artifacts(run.info.run_id)}
    files = {"settings.json", "history.json", "metrics.json", "bundle.json", "card.md", "SHA256SUMS", "report.html"}
    assert files <= kept
    assert [value for key, value in run.data.tags.items() if key.startswith("nevus.images.")] == ["report.html"]

    with open_store(tree.store) as store:
        (version,) = Registry(store).versions()
    assert version.tracking_run == run.info.run_id
    (mirrored,) = client.search_model_versions("name = 'tracked'")
    assert mirrored.run_id == run.info.run_id
