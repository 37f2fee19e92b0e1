import numpy as np
import pytest

from evaluation_factory import make_logits, make_predictions
from nevus.evaluation.errors import EvaluationError
from nevus.evaluation.prediction_sets import choose_set_threshold, evaluate_prediction_sets
from nevus.evaluation.results import Bootstrap


def test_threshold_by_hand():
    # True-class probabilities .525, .55, .., .975: 19 of them, and .9 x 20 = 18 must be held.
    validation = make_predictions(0.5 + np.arange(1, 20) / 40, [True] * 19)
    assert choose_set_threshold(validation, 0.9) == pytest.approx(0.5375)  # halfway from .55 to .525


def test_sets_hold_the_truth_as_stated_on_new_lesions_and_a_higher_coverage_means_larger_sets():
    validation, test = make_logits(1500, seed=2, stream=0)[0], make_logits(1500, seed=2, stream=1)[0]
    sizes = []
    for coverage in (0.8, 0.9, 0.95):
        threshold = choose_set_threshold(validation, coverage)
        found = evaluate_prediction_sets(test, threshold, coverage, Bootstrap(replicates=100))
        assert found.coverage.value == pytest.approx(coverage, abs=0.03)
        sizes.append(found.mean_size.value)
    assert sizes == sorted(sizes)


def test_result_by_hand():
    test = make_predictions([0.9, 0.6, 0.45, 0.2], [True, False, True, False])
    found = evaluate_prediction_sets(test, 0.5, 0.9, Bootstrap(replicates=50))
    # {malignant} holds, {malignant} doesn't, {benign} doesn't, {benign} holds
    assert found.coverage.value == 0.5
    assert {code: e.value for code, e in found.coverage_by_class.items()} == {"benign": 0.5, "malignant": 0.5}
    assert found.size_counts == (0, 4, 0)
    wide = evaluate_prediction_sets(test, 0.4, 0.9, Bootstrap(replicates=50))
    assert wide.size_counts == (0, 2, 2)
    assert wide.mean_size.value == 1.5
    assert wide.coverage.value == 1.0


def test_nothing_labelled_is_said():
    with pytest.raises(EvaluationError, match="no labelled image"):
        choose_set_threshold(make_predictions([0.5], [True], labels=np.array([-1])), 0.9)
