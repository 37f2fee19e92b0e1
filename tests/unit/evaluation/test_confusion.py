import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as oracle

from nevus.evaluation import confusion as cm


@pytest.fixture
def votes():
    rng = np.random.default_rng(5)
    labels = rng.choice(5, size=400, p=[0.6, 0.2, 0.1, 0.07, 0.03])
    calls = np.where(rng.random(400) < 0.6, labels, rng.integers(0, 5, 400))
    return labels, calls, rng.integers(0, 4, 400).astype(float)


def test_matrix_and_scores_equal_scikit_learn_under_weights(votes):
    labels, calls, weights = votes
    matrix = cm.confusion_matrix(labels, calls, 5, weights)
    assert np.allclose(matrix, oracle.confusion_matrix(labels, calls, sample_weight=weights))
    kw = {"sample_weight": weights, "zero_division": 0}
    assert cm.accuracy(matrix) == pytest.approx(oracle.accuracy_score(labels, calls, sample_weight=weights))
    assert cm.balanced_accuracy(matrix) == pytest.approx(
        oracle.balanced_accuracy_score(labels, calls, sample_weight=weights)
    )
    for ours, theirs in (
        (cm.precision, oracle.precision_score),
        (cm.recall, oracle.recall_score),
        (cm.f1, oracle.f1_score),
    ):
        assert np.allclose(ours(matrix), theirs(labels, calls, average=None, **kw))
        assert cm.macro(ours(matrix)) == pytest.approx(theirs(labels, calls, average="macro", **kw))
        assert cm.weighted(ours(matrix), matrix) == pytest.approx(theirs(labels, calls, average="weighted", **kw))


def test_many_weightings_at_once_equal_one_at_a_time(votes):
    labels, calls, _ = votes
    weights = np.random.default_rng(0).integers(0, 3, size=(2, 3, 400)).astype(float)
    together = cm.balanced_accuracy(cm.confusion_matrix(labels, calls, 5, weights))
    assert together.shape == (2, 3)
    for i in np.ndindex(2, 3):
        assert together[i] == cm.balanced_accuracy(cm.confusion_matrix(labels, calls, 5, weights[i]))


def test_a_class_that_does_not_occur_has_no_recall_and_leaves_the_means_alone():
    labels, calls = np.array([0, 0, 1, 1]), np.array([0, 2, 1, 1])
    matrix = cm.confusion_matrix(labels, calls, 3, np.ones(4))
    assert np.allclose(cm.recall(matrix), [0.5, 1.0, np.nan], equal_nan=True)
    assert cm.balanced_accuracy(matrix) == 0.75
    assert np.allclose(cm.precision(matrix), [1.0, 1.0, np.nan], equal_nan=True)
    assert cm.macro(cm.f1(matrix)) == pytest.approx((2 / 3 + 1) / 2)


def test_a_class_that_is_never_called_has_precision_zero():
    matrix = cm.confusion_matrix(np.array([0, 0, 1]), np.array([0, 0, 0]), 2, np.ones(3))
    assert cm.precision(matrix).tolist() == pytest.approx([2 / 3, 0.0])
    assert cm.f1(matrix)[1] == 0


def test_no_votes_give_no_figure():
    matrix = cm.confusion_matrix(np.zeros(0, int), np.zeros(0, int), 3, np.zeros(0))
    assert np.isnan(cm.accuracy(matrix))
    assert np.isnan(cm.balanced_accuracy(matrix))


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=40))
@settings(max_examples=60, deadline=None)
def test_weighted_recall_is_accuracy_and_macro_recall_is_balanced_accuracy(pairs):
    labels, calls = (np.array(side) for side in zip(*pairs, strict=True))
    matrix = cm.confusion_matrix(labels, calls, 4, np.ones(len(labels)))
    assert cm.weighted(cm.recall(matrix), matrix) == pytest.approx(float(cm.accuracy(matrix)))
    assert cm.macro(cm.recall(matrix)) == pytest.approx(float(cm.balanced_accuracy(matrix)))
