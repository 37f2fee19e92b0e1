from dataclasses import replace

import numpy as np
import pytest

from evaluation_factory import make_logits, make_predictions
from nevus.evaluation.comparison import ComparisonError, compare
from nevus.evaluation.metrics import METRICS, WeightedView
from nevus.evaluation.results import Bootstrap
from nevus.evaluation.scores import score

FEW = Bootstrap(replicates=300)


@pytest.fixture(scope="module")
def two():
    better, logits, _ = make_logits(500, seed=4)
    noise = np.random.default_rng(9).normal(size=logits.shape)
    exponentials = np.exp(logits + 2.0 * noise)
    return better, replace(better, probabilities=exponentials / exponentials.sum(axis=1, keepdims=True))


def test_difference_is_candidate_minus_champion(two):
    better, worse = two
    found = compare(better, worse, metrics=("balanced_accuracy", "ece"), bootstrap=FEW)
    own, other = (METRICS["balanced_accuracy"].compute(WeightedView(model)) for model in two)
    assert found.metrics["balanced_accuracy"].candidate == pytest.approx(float(own))
    assert found.metrics["balanced_accuracy"].difference.value == pytest.approx(float(own - other))
    assert found.metrics["balanced_accuracy"].difference.low > 0
    turned = compare(worse, better, metrics=("balanced_accuracy",), bootstrap=FEW)
    assert turned.metrics["balanced_accuracy"].difference.high == pytest.approx(
        -found.metrics["balanced_accuracy"].difference.low
    )


def test_a_model_does_not_differ_from_itself_whatever_the_order_of_rows(two):
    better, _ = two
    order = np.random.default_rng(0).permutation(len(better))
    found = compare(better, better.take(order), bootstrap=FEW)
    assert set(found.metrics) == set(METRICS)
    for name, metric in found.metrics.items():
        difference = metric.difference
        assert (difference.value, difference.low, difference.high) == pytest.approx((0, 0, 0), abs=1e-12), name


def test_pairing_makes_the_interval_narrower_than_the_two_side_by_side(two):
    better, worse = two
    paired = compare(better, worse, metrics=("malignant_auroc",), bootstrap=FEW).metrics["malignant_auroc"].difference
    widths = []
    for model in two:
        estimate = score(model, FEW).metrics["malignant_auroc"]
        widths.append(estimate.high - estimate.low)
    assert paired.high - paired.low < 0.9 * np.hypot(*widths)


def test_other_images_other_truth_or_other_classes_are_refused():
    ours = make_predictions([0.1, 0.9, 0.4], [False, True, True])
    with pytest.raises(ComparisonError, match="different images"):
        compare(ours, ours.take([0, 1]))
    with pytest.raises(ComparisonError, match="i0002 for one"):
        compare(ours, replace(ours, ids=np.array(["i0000", "i0001", "x"], dtype=object)))
    with pytest.raises(ComparisonError, match="different malignant: i0001"):
        compare(ours, replace(ours, malignant=np.array([False, False, True])))
    with pytest.raises(ComparisonError, match="different classes"):
        compare(ours, replace(ours, classes=("good", "bad"), malignant_classes=("bad",)))
