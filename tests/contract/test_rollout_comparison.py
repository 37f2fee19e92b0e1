"""What a comparison of champion and challenger promises, from rows of predictions and labels as they are stored."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from nevus.evaluation import Bootstrap
from nevus.serving.comparison import compare_rollout, decide, run_test
from nevus.store import Registry
from nevus.store.ids import new_id
from nevus.store.predictions.compared import answered_by_arm, answered_in_pairs
from nevus.store.serving_tables import LabelRow
from prediction_rows import NOON, add_predictions, image, prediction_row

FAST = Bootstrap(replicates=200)


@pytest.fixture
def versions(store, new_version):
    """Champion (threshold .5) and challenger (threshold .3)."""
    made = [
        Registry(store).register(new_version(number, operating_threshold=threshold), by="x").version
        for number, threshold in ((1, 0.5), (2, 0.3))
    ]
    return made[0], made[1]


def answer(number, version, p, **changes):
    return prediction_row(
        number,
        bundle_digest=version.bundle_digest,
        version=version.number,
        probabilities={"mel": p, "nv": 1 - p},
        p_malignant=p,
        diagnosis="mel" if p > 0.5 else "nv",
        **{"patient_hash": None, "lesion_hash": None, **changes},
    )


def pair(store, versions, number, own, other, **changes):
    """One image that the champion gave `own` and the challenger `other`."""
    first = answer(number, versions[0], own, **changes)
    shadow = answer(100_000 + number, versions[1], other, **changes)
    shadow |= {"arm": "shadow", "shadow_of": first["prediction_id"], "image_hash": first["image_hash"]}
    add_predictions(store, first, shadow)
    return first


def label(store, of, diagnosis, *, minute=0, superseded_by=None):
    with store.write() as session:
        row = LabelRow(
            label_id=new_id(),
            image_hash=of["image_hash"],
            prediction_id=of["prediction_id"],
            patient_hash=None,
            lesion_hash=None,
            diagnosis=diagnosis,
            malignant=diagnosis == "mel",
            confirmed_by="histology",
            confirmed_on=None,
            labelled_by="x",
            key_id=None,
            note=None,
            created_at=NOON + timedelta(minutes=minute),
            superseded_by=superseded_by,
        )
        session.add(row)
        return row.label_id


def test_without_labels_it_tells_how_often_the_two_agree(store, versions):
    pair(store, versions, 1, 0.9, 0.8)
    pair(store, versions, 2, 0.1, 0.4)  # the same diagnosis, but only the challenger suspects
    pair(store, versions, 3, 0.2, 0.7)
    found = compare_rollout(store, *versions, bootstrap=FAST)
    assert (found.champion, found.challenger, found.pairs, found.labelled) == ("lesions/1", "lesions/2", 3, 0)
    assert found.agreement["diagnosis"] == pytest.approx(2 / 3)
    assert found.agreement["suspicion"] == pytest.approx(1 / 3)
    assert found.metrics == {}
    assert (found.sequential.decision, found.sequential.p_value) == ("continue", 1.0)


def test_with_labels_it_scores_both_on_the_same_images_at_their_own_thresholds(store, versions):
    own = np.array([0.9, 0.4, 0.6, 0.1, 0.2, 0.7])
    other = np.array([0.8, 0.6, 0.35, 0.2, 0.1, 0.25])
    truth = np.array([1, 1, 1, 0, 0, 0])
    for number, (a, b, ill) in enumerate(zip(own, other, truth, strict=True)):
        label(store, pair(store, versions, number, float(a), float(b)), "mel" if ill else "nv", minute=number)
    found = compare_rollout(store, *versions, bootstrap=FAST).metrics
    assert (found["malignant_sensitivity"].champion, found["malignant_sensitivity"].challenger) == (
        pytest.approx(2 / 3),
        pytest.approx(1.0),
    )
    assert found["malignant_specificity"].difference.value == pytest.approx(1 - 2 / 3)
    assert found["malignant_auroc"].champion == pytest.approx(roc_auc_score(truth, own))
    assert found["malignant_auroc"].challenger == pytest.approx(roc_auc_score(truth, other))
    assert found["balanced_accuracy"].champion == pytest.approx((2 / 3 + 2 / 3) / 2)
    assert found["brier"].champion == pytest.approx(np.mean(2 * (own - truth) ** 2))


def test_from_one_label_it_claims_no_interval_and_says_how_many_it_takes(store, versions):
    first = pair(store, versions, 1, 0.9, 0.9)
    for number in range(2, 20):
        pair(store, versions, number, 0.2, 0.8)
    label(store, first, "mel")
    found = compare_rollout(store, *versions, bootstrap=FAST)
    assert (found.labelled, found.metrics["malignant_sensitivity"].challenger) == (1, 1.0)
    told = {name: one.difference for name, one in found.metrics.items()}
    assert {(one.low, one.high) for one in told.values()} == {(None, None)}
    assert told["balanced_accuracy"].too_few == "too few: 1 of the 30 patients or lesions needed"
    assert told["malignant_specificity"].too_few == "too few: 0 of the 10 benign patients or lesions needed"
    arm = found.arms["champion"]["metrics"]
    assert (arm["balanced_accuracy"]["low"], arm["balanced_accuracy"]["too_few"][:10]) == (None, "too few: 1")


def test_from_enough_patients_it_states_intervals_around_the_differences(store, versions):
    rng = np.random.default_rng(3)
    for number in range(60):
        ill, (own, other) = number % 2 == 0, rng.uniform(size=2)
        label(store, pair(store, versions, number, float(own), float(other)), "mel" if ill else "nv", minute=number)
    found = compare_rollout(store, *versions, bootstrap=FAST)
    for one in found.metrics.values():
        assert one.difference.low < one.difference.value < one.difference.high
        assert one.difference.too_few is None
    arm = found.arms["champion"]["metrics"]["malignant_auroc"]
    assert arm["low"] < arm["value"] < arm["high"]


def test_the_label_that_counts_is_the_truth(store, versions):
    first = pair(store, versions, 1, 0.9, 0.9)
    now = label(store, first, "mel", minute=5)
    label(store, first, "nv", minute=1, superseded_by=now)
    ((own, _),) = answered_in_pairs(store, versions[0].bundle_digest, versions[1].bundle_digest)
    assert (own.truth, own.malignant, own.labelled_at) == ("mel", True, NOON + timedelta(minutes=1))


def test_an_image_that_is_sent_twice_counts_once_and_only_the_asked_time_counts(store, versions):
    pair(store, versions, 1, 0.9, 0.9)
    pair(store, versions, 2, 0.8, 0.8, image_hash=image(1))
    pair(store, versions, 3, 0.7, 0.7)
    digests = versions[0].bundle_digest, versions[1].bundle_digest
    assert [own.p_malignant for own, _ in answered_in_pairs(store, *digests)] == [0.9, 0.7]
    from_two = answered_in_pairs(store, *digests, start=NOON + timedelta(minutes=2))
    assert [own.p_malignant for own, _ in from_two] == [0.8, 0.7]
    before_three = answered_in_pairs(store, *digests, end=NOON + timedelta(minutes=3))
    assert [own.p_malignant for own, _ in before_three] == [0.9]


def test_a_patient_counts_once_in_the_sequential_test(store, versions):
    for number in range(12):
        label(store, pair(store, versions, number, 0.4, 0.9, patient_hash="a" * 64), "mel", minute=number)
    strata = compare_rollout(store, *versions, bootstrap=FAST).sequential.strata
    assert (strata["malignant"]["challenger_right"], strata["malignant"]["champion_right"]) == (1, 0)


def test_a_challenger_that_finds_what_the_champion_misses_is_found_better(store, versions):
    for number in range(12):
        label(store, pair(store, versions, number, 0.4, 0.9), "mel", minute=number)
    found = compare_rollout(store, *versions, bootstrap=FAST).sequential
    assert found.decision == "challenger_better"
    assert found.p_value < 0.05
    assert found.e_value == pytest.approx(1 / found.p_value)
    assert found.statistic == 12


def test_being_right_about_moles_does_not_outweigh_missed_melanomas(store, versions):
    rows = [(0.9, 0.1, "mel")] * 12 + [(0.9, 0.1, "nv")] * 40
    for number, (own, other, truth) in enumerate(rows):
        label(store, pair(store, versions, number, own, other), truth, minute=number)
    assert compare_rollout(store, *versions, bootstrap=FAST).sequential.decision == "challenger_worse"


def test_finding_more_of_both_kinds_suspicious_is_another_operating_point_not_a_better_model(store, versions):
    rows = [(0.1, 0.9, "mel")] * 12 + [(0.1, 0.9, "nv")] * 12
    for number, (own, other, truth) in enumerate(rows):
        label(store, pair(store, versions, number, own, other), truth, minute=number)
    found = compare_rollout(store, *versions, bootstrap=FAST).sequential
    assert (found.decision, "operating point" in found.explanation) == ("continue", True)


def test_arms_are_described_on_their_own_patients(store, versions):
    for number, p in enumerate((0.9, 0.2, 0.4)):
        first = answer(number, versions[0], p, verdict="suspicious" if p > 0.5 else "low_suspicion")
        add_predictions(store, first)
        label(store, first, "mel" if p > 0.3 else "nv")
    add_predictions(store, answer(10, versions[1], 0.6, arm="challenger"))
    arms = compare_rollout(store, *versions, bootstrap=FAST).arms
    assert (arms["champion"]["answered"], arms["champion"]["labelled"]) == (3, 3)
    assert arms["champion"]["verdicts"] == {"low_suspicion": pytest.approx(2 / 3), "suspicious": pytest.approx(1 / 3)}
    assert arms["champion"]["metrics"]["malignant_sensitivity"]["value"] == pytest.approx(0.5)
    assert (arms["challenger"]["answered"], arms["challenger"]["metrics"]) == (1, {})
    assert len(answered_by_arm(store, versions[1].bundle_digest, "challenger")) == 1


def test_two_models_of_other_classes_are_compared_by_malignancy_alone(store, new_version):
    versions = [
        Registry(store).register(new_version(n, classes=classes, malignant=("mel",), operating_threshold=0.5)).version
        for n, classes in ((1, ("mel", "nv")), (2, ("mel", "nv", "bkl")))
    ]
    for number, (own, other, truth) in enumerate([(0.9, 0.8, "mel"), (0.2, 0.1, "nv"), (0.3, 0.6, "mel")]):
        label(store, pair(store, versions, number, own, other), truth)
    found = compare_rollout(store, *versions, bootstrap=FAST)
    assert set(found.metrics) == {"malignant_auroc", "malignant_sensitivity", "malignant_specificity"}
    assert found.metrics["malignant_auroc"].challenger == 1.0


def test_two_equal_versions_are_told_apart_in_at_most_five_of_a_hundred_rollouts(store, versions):
    """Looked at after every label; as many malignant as benign, and each pair a coin's throw."""
    rng = np.random.default_rng(5)
    template = pair(store, versions, 0, 0.9, 0.1)
    label(store, template, "mel")
    ((own, other),) = answered_in_pairs(store, versions[0].bundle_digest, versions[1].bundle_digest)
    fields = dict(vars(own)), dict(vars(other))
    decided = 0
    for _ in range(300):
        pairs = []
        for number in range(80):
            ill, first = bool(rng.integers(2)), bool(rng.integers(2))
            told = {"group": str(number), "malignant": ill, "prediction_id": f"{number:03d}"}
            sides = ((0.9, 0.1), (0.1, 0.9))[first]
            pairs.append(tuple(type(own)(**{**fields[i], **told, "p_malignant": p}) for i, p in enumerate(sides)))
        decided += decide(run_test(pairs, 0.5, 0.5))[0] != "continue"
    assert decided / 300 <= 0.05
