from __future__ import annotations

import json

import pytest

from evaluation_factory import make_evaluation
from nevus.bundle.directory import write_checksums
from nevus.errors import InputError
from nevus.evaluation import Estimate
from nevus.evaluation.gate import GateLine, GateVerdict
from nevus.store import Registry, State, StoreSettings, open_store
from nevus.store.registry.from_bundle import describe_bundle


@pytest.fixture
def bundle(tmp_path):
    folder = tmp_path / "bundle"
    folder.mkdir()
    estimate = {"value": 0.95, "low": 0.9, "high": 0.98}
    points = [
        {"name": name, "threshold": t, "target_sensitivity": 0.9, "sensitivity": estimate, "specificity": estimate}
        for name, t in (("sensitivity_90", 0.4), ("sensitivity_95", 0.2))
    ]
    content = {
        "format": "nevus-bundle",
        "format_version": 1,
        "name": "lesions",
        "created_at": "2026-01-01T00:00:00Z",
        "task": "diagnosis",
        "classes": ["bcc", "mel", "nv"],
        "malignant": ["mel", "bcc", "akiec", "scc"],
        "input": {"height": 32, "width": 32},
        "operating_points": points,
        "default_operating_point": "sensitivity_95",
        "licence": "CC BY-NC",
        "fingerprints": {"content": "c" * 64},
    }
    (folder / "bundle.json").write_text(json.dumps(content))
    (folder / "model.onnx").write_bytes(b"graph")
    write_checksums(folder)
    return folder


def verdict(passed):
    line = GateLine(
        rule="bacc",
        description="",
        metric="balanced_accuracy",
        what="Balanced accuracy on test",
        required="lower end >= 0.65",
        observed=Estimate(value=0.7, low=0.61, high=0.78),
        compared=0.61,
        limit=0.65,
        passed=passed,
        explanation="lower end 0.6100 misses the limit",
    )
    return GateVerdict(policy="default", passed=passed, lines=(line,))


def test_a_bundle_tells_what_is_registered(bundle):
    results = make_evaluation(n_lesions=300, replicates=50)
    new = describe_bundle(bundle, verdict=verdict(True), results=results, run="/runs/1", tracking_run="r")
    assert (new.model, new.task, new.licence, new.commercial_use) == ("lesions", "diagnosis", "CC BY-NC", False)
    assert new.classes == ("bcc", "mel", "nv")
    assert new.malignant == ("bcc", "mel")
    assert new.operating_threshold == 0.2
    assert new.bundle_uri == str(bundle)
    assert new.fingerprints["content"] == "c" * 64
    test = results.subsets["test"]
    point = test.at(results.default_operating_point)
    assert new.metrics["balanced_accuracy"]["value"] == test.metrics["balanced_accuracy"].value
    assert new.metrics["malignant_sensitivity"]["low"] == point.sensitivity.low
    assert {"malignant_auroc", "melanoma_recall", "ece"} <= set(new.metrics)


def test_a_failed_line_becomes_a_reason_and_all_of_it_survives_the_store(bundle, tmp_path):
    new = describe_bundle(bundle, verdict=verdict(False))
    with open_store(StoreSettings(home=tmp_path / "home")) as store:
        version = Registry(store).register(new).version
    assert version.state is State.REJECTED
    assert version.reasons == ("bacc: lower end 0.6100 misses the limit",)
    assert GateVerdict.model_validate(version.gate) == verdict(False)


def test_one_byte_makes_another_bundle(bundle):
    before = describe_bundle(bundle, verdict=verdict(True)).bundle_digest
    (bundle / "model.onnx").write_bytes(b"grapH")
    write_checksums(bundle)
    assert describe_bundle(bundle, verdict=verdict(True)).bundle_digest != before


def test_a_folder_that_is_no_bundle_is_refused(tmp_path):
    with pytest.raises(InputError, match="not a model bundle"):
        describe_bundle(tmp_path, verdict=verdict(True))
