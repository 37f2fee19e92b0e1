"""`nevus evaluate`: a bundle on a dataset of its own, also one whose threshold somebody stated."""

from __future__ import annotations

import polars as pl
import pytest
from tests.graphs import make_tiny_bundle

from nevus.bundle import read_bundle_manifest
from nevus.evaluation import Estimate, OperatingPoint
from nevus.evaluation.results import TEST, read_results
from nevus.pipeline.external import evaluate_external
from nevus.pipeline.settings import RunSettings

CLASSES = ("akiec", "bcc", "bkl", "df", "mel", "nv", "vasc")


def test_a_stated_threshold_is_judged_though_nothing_was_measured_at_it(tmp_path):
    stated = OperatingPoint(
        name="stated",
        threshold=0.3,
        sensitivity=Estimate(value=None),
        specificity=Estimate(value=None),
        measured_on="not measured",
    )
    bundle = make_tiny_bundle(
        tmp_path / "bundle",
        classes=CLASSES,
        malignant=("akiec", "bcc", "mel"),
        operating_points=(stated,),
        default_operating_point=None,
    )
    assert read_bundle_manifest(bundle).operating_points == (stated,)
    tree = RunSettings.model_validate(
        {
            "data": {"source": "synthetic", "synthetic": {"lesions": 60, "width": 96, "height": 72}},
            "evaluation": {"replicates": 20},
        }
    )
    evaluate_external(tree, bundle, tmp_path / "out")

    results = read_results(tmp_path / "out" / "metrics.json")
    assert results.operating_points == (stated,)
    assert results.default_operating_point == "stated"  # the one that the bundle's verdicts use
    found = results.subsets[TEST].at("stated")
    assert (found.threshold, found.target_sensitivity) == (0.3, None)
    answers = pl.read_parquet(tmp_path / "out" / "predictions.parquet")
    malignant = answers["malignant"].to_numpy()
    called = sum(answers[f"p_{code}"] for code in ("akiec", "bcc", "mel")).to_numpy() >= 0.3
    assert found.sensitivity.value == pytest.approx(called[malignant].mean())
    assert found.specificity.value == pytest.approx(1 - called[~malignant].mean())
    assert 0 < found.true_positives + found.false_positives < len(answers)
