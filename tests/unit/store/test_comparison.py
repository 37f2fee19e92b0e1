from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from nevus.evaluation import Bootstrap, ComparisonError
from nevus.store import ModelVersion, State
from nevus.store.registry.comparison import NothingSharedError, compare_versions
from nevus.store.registry.prediction_tables import PredictionTableError, common_groups, read_test_predictions

CLASSES = ("mel", "nv")
BOOTSTRAP = Bootstrap(replicates=200, seed=3)


def table(n=400, *, skill=1.0, seed=0, start=0, split="test"):
    """`n` lesions of two images each; the truth and the lesions' difficulty depend on the number alone."""
    number = np.repeat(np.arange(start, start + n), 2)
    rng = np.random.default_rng(7)
    malignant = (rng.random(10_000) < 0.3)[number]
    hard = rng.normal(size=10_000)[number]
    own = np.random.default_rng(seed).normal(size=2 * n)
    p = 1 / (1 + np.exp(-(skill * (2.0 * malignant - 1.0) + hard + 0.2 * own)))
    return pl.DataFrame(
        {
            "image_id": [f"i{k}_{side}" for k, side in zip(number, [0, 1] * n, strict=True)],
            "group_id": [f"g{k}" for k in number],
            "lesion_id": [f"l{k}" for k in number],
            "split": [split] * (2 * n),
            "diagnosis": np.where(malignant, "mel", "nv"),
            "label": np.where(malignant, 0, 1),
            "malignant": malignant,
            "p_mel": p,
            "p_nv": 1 - p,
            "p_malignant": p,
        }
    )


@pytest.fixture
def version(tmp_path):
    def make(number, rows, **changes):
        uri = None
        if rows is not None:
            uri = str(tmp_path / f"{number}.parquet")
            rows.sample(fraction=1.0, shuffle=True, seed=number).write_parquet(uri)
        now = datetime(2026, 1, 1, tzinfo=UTC)
        fields = {
            "model": "lesions",
            "number": number,
            "state": State.CANDIDATE,
            "bundle_uri": "/b",
            "bundle_digest": f"{number:064x}",
            "task": "diagnosis",
            "classes": CLASSES,
            "malignant": ("mel",),
            "operating_threshold": 0.3,
            "metrics": {},
            "gate": {},
            "gate_passed": True,
            "reasons": (),
            "licence": "CC-BY-4.0",
            "commercial_use": True,
            "fingerprints": {},
            "run": None,
            "tracking_run": None,
            "predictions_uri": uri,
            "created_at": now,
            "changed_at": now,
            "approval": None,
        }
        return ModelVersion(**(fields | changes))

    return make


def test_the_figures_are_scikit_learns_and_the_better_one_is_found_better(version):
    good, poor = table(skill=1.5, seed=1), table(skill=0.8, seed=2)
    found = compare_versions(
        version(1, good, operating_threshold=0.4), version(2, poor, operating_threshold=0.2), bootstrap=BOOTSTRAP
    )
    scores = found.scores
    assert found.notes == ()
    assert (scores.candidate, scores.champion) == ("lesions/1", "lesions/2")
    assert (scores.n_images, scores.n_groups) == (800, 400)
    truth = good["malignant"].to_numpy()
    for rows, threshold, side in ((good, 0.4, "candidate"), (poor, 0.2, "champion")):
        p = rows["p_malignant"].to_numpy()
        expected = {
            "balanced_accuracy": balanced_accuracy_score(truth, p >= 0.5),
            "malignant_auroc": roc_auc_score(truth, p),
            "malignant_sensitivity": (p >= threshold)[truth].mean(),
            "malignant_specificity": (p < threshold)[~truth].mean(),
        }
        assert set(scores.metrics) == set(expected)
        for name, value in expected.items():
            assert getattr(scores.metrics[name], side) == pytest.approx(value), name
    auroc = scores.metrics["malignant_auroc"]
    assert auroc.difference.value == pytest.approx(auroc.candidate - auroc.champion)
    assert auroc.difference.low > 0


def test_a_version_does_not_differ_from_itself(version):
    rows = table()
    found = compare_versions(version(1, rows), version(2, rows), bootstrap=BOOTSTRAP)
    for name, row in found.scores.metrics.items():
        assert (row.difference.value, row.difference.low, row.difference.high) == (0, 0, 0), name


def test_the_interval_is_paired_and_grouped(version):
    """What makes a lesion hard for both cancels out; two images of a lesion aren't two lesions."""
    a, b = table(skill=1.0, seed=1), table(skill=1.0, seed=2)
    paired = compare_versions(version(1, a), version(2, b), bootstrap=BOOTSTRAP).scores
    width = paired.metrics["malignant_auroc"].difference
    rng = np.random.default_rng(0)
    truth, lesion = a["malignant"].to_numpy(), np.arange(800) // 2
    unpaired = []
    for _ in range(200):
        one, two = (np.concatenate([2 * d, 2 * d + 1]) for d in rng.integers(0, 400, size=(2, 400)))
        unpaired.append(
            roc_auc_score(truth[one], a["p_malignant"].to_numpy()[one])
            - roc_auc_score(truth[two], b["p_malignant"].to_numpy()[two])
        )
    assert lesion.max() == 399
    assert width.high - width.low < 0.5 * np.subtract(*np.quantile(unpaired, [0.975, 0.025]))


def test_only_test_images_of_both_take_part_and_the_rest_is_said(version):
    learnt_by_second = table(100, start=300, seed=2, split="train")
    second = pl.concat([table(300, seed=2), learnt_by_second])
    found = compare_versions(version(1, table(400, seed=1)), version(2, second), bootstrap=BOOTSTRAP)
    assert found.scores.n_images == 600
    assert found.notes == (
        "compared on the 600 test images that both were measured on, of 800 of lesions/1 and 600 of lesions/2.",
    )


def test_no_test_image_in_common_is_said(version):
    with pytest.raises(NothingSharedError, match=r"lesions/1 and lesions/2 share no test image \(20 and 40 of"):
        compare_versions(version(1, table(10)), version(2, table(20, start=500)), bootstrap=BOOTSTRAP)


def test_images_without_a_known_truth_of_malignancy_take_no_part(version):
    rows = table(50).with_columns(
        malignant=pl.when(pl.col("image_id") == "i0_0").then(None).otherwise(pl.col("malignant"))
    )
    assert read_test_predictions(version(1, rows)).height == 99


def test_models_of_different_classes_meet_on_malignancy(version):
    rows = table(seed=2)
    binary = rows.rename({"p_mel": "p_malignant_", "p_nv": "p_benign"}).drop("p_malignant_")
    found = compare_versions(
        version(1, table(seed=1)),
        version(2, binary, task="malignancy", classes=("benign", "malignant"), malignant=("malignant",)),
        bootstrap=BOOTSTRAP,
    )
    assert set(found.scores.metrics) == {"malignant_auroc", "malignant_sensitivity", "malignant_specificity"}
    expected = roc_auc_score(rows["malignant"].to_numpy(), rows["p_malignant"].to_numpy())
    assert found.scores.metrics["malignant_auroc"].champion == pytest.approx(expected)
    assert "different classes" in found.notes[0]


def test_without_an_operating_point_the_rest_is_still_compared(version):
    found = compare_versions(
        version(1, table(), operating_threshold=None), version(2, table(seed=2)), bootstrap=BOOTSTRAP
    )
    assert set(found.scores.metrics) == {"balanced_accuracy", "malignant_auroc"}
    assert found.notes[0].startswith("lesions/1 has no operating point")


def test_groups_may_have_other_names_in_the_other_run_and_be_merged_there(version):
    renamed = table(seed=2).with_columns(group_id=pl.lit("patient") + pl.col("group_id"))
    plain = compare_versions(version(1, table(seed=1)), version(2, table(seed=2)), bootstrap=BOOTSTRAP)
    found = compare_versions(version(1, table(seed=1)), version(2, renamed), bootstrap=BOOTSTRAP)
    assert found == plain
    merged = renamed.with_columns(group_id=pl.col("group_id").replace({"patientg0": "patientg1"}))
    found = compare_versions(version(1, table(seed=1)), version(2, merged), bootstrap=BOOTSTRAP)
    assert found.scores.n_groups == plain.scores.n_groups - 1


def test_the_metrics_that_are_asked_for_are_compared_of_other_classes_only_those_of_malignancy(version):
    asked = ("ece", "malignant_pauc")
    rows = version(1, table(seed=1), operating_threshold=None)
    found = compare_versions(rows, version(2, table(seed=2)), metrics=asked, bootstrap=BOOTSTRAP)
    assert set(found.scores.metrics) == set(asked)
    other = version(2, table(seed=2).rename({"p_nv": "p_bkl"}), classes=("mel", "bkl"))
    found = compare_versions(rows, other, metrics=asked, bootstrap=BOOTSTRAP)
    assert set(found.scores.metrics) == {"malignant_pauc"}


def test_a_truth_that_was_corrected_in_between_is_refused(version):
    corrected = table(seed=2).with_columns(
        label=pl.when(pl.col("image_id") == "i0_0").then(1 - pl.col("label")).otherwise(pl.col("label"))
    )
    with pytest.raises(ComparisonError, match="i0_0"):
        compare_versions(version(1, table(seed=1)), version(2, corrected), bootstrap=BOOTSTRAP)


def test_groups_of_two_runs_are_joined():
    """1 and 2 are one patient by the first, 2 and 3 by the second: all three belong together."""
    groups = common_groups(["a", "a", "b", "c"], ["x", "y", "y", "z"]).tolist()
    assert groups[0] == groups[1] == groups[2] != groups[3]


def test_predictions_that_are_not_there_are_said_so(version, tmp_path):
    there = version(1, table(10))
    with pytest.raises(PredictionTableError, match="registered without its predictions"):
        compare_versions(there, version(2, None))
    with pytest.raises(PredictionTableError, match=r"not at .*gone.parquet any more"):
        compare_versions(there, version(2, None, predictions_uri=str(tmp_path / "gone.parquet")))
    (tmp_path / "text.parquet").write_text("text")
    with pytest.raises(PredictionTableError, match="not a readable Parquet"):
        compare_versions(there, version(2, None, predictions_uri=str(tmp_path / "text.parquet")))
    with pytest.raises(PredictionTableError, match="lacks the column malignant, p_nv"):
        compare_versions(there, version(2, table(10).drop("malignant", "p_nv")))
    with pytest.raises(PredictionTableError, match="names an image twice"):
        compare_versions(there, version(2, pl.concat([table(10), table(1)])))
