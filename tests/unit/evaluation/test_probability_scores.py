import numpy as np
import pytest
from sklearn import metrics as oracle

from nevus.evaluation.calibration import softmax
from nevus.evaluation.probability_scores import brier, negative_log_likelihood


def test_both_equal_scikit_learn_under_weights():
    rng = np.random.default_rng(2)
    labels, probabilities = rng.integers(0, 4, 200), softmax(rng.normal(size=(200, 4)))
    weights = rng.integers(0, 3, 200).astype(float)
    assert negative_log_likelihood(probabilities, labels, weights) == pytest.approx(
        oracle.log_loss(labels, probabilities, sample_weight=weights)
    )
    assert brier(probabilities, labels, weights) == pytest.approx(
        oracle.brier_score_loss(labels, probabilities, sample_weight=weights, scale_by_half=False)
    )


def test_brier_by_hand_and_at_its_ends():
    labels = np.array([0, 1])
    assert brier(np.array([[0.8, 0.2], [0.5, 0.5]]), labels, np.ones(2)) == pytest.approx((0.08 + 0.5) / 2)
    assert brier(np.eye(2), labels, np.ones(2)) == 0
    assert brier(np.eye(2)[::-1], labels, np.ones(2)) == 2


def test_a_stated_zero_that_comes_true_costs_much_but_not_everything():
    assert negative_log_likelihood(np.array([[1.0, 0.0]]), np.array([1]), np.ones(1)) == pytest.approx(36.04, abs=0.01)
