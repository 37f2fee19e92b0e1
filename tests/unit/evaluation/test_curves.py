import numpy as np
import pytest
from sklearn import metrics as oracle

from nevus.evaluation.curves import precision_recall_curve, roc_curve
from nevus.evaluation.ranking import rank


def ranked(n, seed=0):
    rng = np.random.default_rng(seed)
    truth = rng.random(n) < 0.2
    scores = rng.normal(size=n) + 1.5 * truth
    return truth, scores, rank(truth, scores, np.ones(n))


def test_roc_runs_from_corner_to_corner_through_scikit_learns_points():
    truth, scores, ranking = ranked(60)
    curve = roc_curve(ranking)
    fpr, tpr, thresholds = oracle.roc_curve(truth, scores, drop_intermediate=False)
    assert np.allclose(curve.false_positive_rate, fpr, atol=1e-6)
    assert np.allclose(curve.sensitivity, tpr, atol=1e-6)
    assert curve.thresholds[0] is None
    assert curve.thresholds[1:] == pytest.approx(thresholds[1:].tolist())


def test_precision_recall_goes_through_scikit_learns_points():
    truth, scores, ranking = ranked(60)
    curve = precision_recall_curve(ranking)
    precision, recall, thresholds = oracle.precision_recall_curve(truth, scores)
    assert np.allclose(curve.recall, recall[:-1][::-1], atol=1e-6)
    assert np.allclose(curve.precision, precision[:-1][::-1], atol=1e-6)
    assert curve.thresholds == pytest.approx(thresholds[::-1].tolist())


def test_a_long_curve_is_thinned_without_losing_its_ends_or_its_area():
    truth, scores, ranking = ranked(20_000)
    curve = roc_curve(ranking)
    assert 100 < len(curve.sensitivity) <= 200
    assert (curve.false_positive_rate[0], curve.sensitivity[0]) == (0, 0)
    assert (curve.false_positive_rate[-1], curve.sensitivity[-1]) == (1, 1)
    area = np.trapezoid(curve.sensitivity, curve.false_positive_rate)
    assert area == pytest.approx(oracle.roc_auc_score(truth, scores), abs=2e-3)
    i = len(curve.sensitivity) // 2
    assert curve.sensitivity[i] == pytest.approx((scores[truth] >= curve.thresholds[i]).mean(), abs=1e-6)


def test_one_sided_data_have_no_curve():
    nothing = rank(np.zeros(5, bool), np.arange(5.0), np.ones(5))
    assert roc_curve(nothing) is None
    assert precision_recall_curve(nothing) is None
