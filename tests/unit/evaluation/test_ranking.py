import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as oracle

from nevus.evaluation.ranking import auroc, average_precision, partial_auroc, rank, specificity_at_sensitivity


def cases():
    for seed, digits in ((0, 12), (1, 1), (2, 2)):  # one digit: many ties
        rng = np.random.default_rng(seed)
        truth = rng.random(300) < 0.2
        scores = np.round(1 / (1 + np.exp(-(rng.normal(size=300) + 1.5 * truth))), digits)
        yield truth, scores, rng.integers(0, 4, 300).astype(float)


def isic_2024_score(truth, scores, weights, min_tpr=0.80):
    """The scoring code of the ISIC 2024 challenge, with sample weights."""
    max_fpr = 1 - min_tpr
    scaled = oracle.roc_auc_score(~truth, -scores, max_fpr=max_fpr, sample_weight=weights)
    return 0.5 * max_fpr**2 + (max_fpr - 0.5 * max_fpr**2) / (1.0 - 0.5) * (scaled - 0.5)


@pytest.mark.parametrize(("truth", "scores", "weights"), list(cases()))
def test_areas_equal_scikit_learn_with_ties_and_weights(truth, scores, weights):
    ranking = rank(truth, scores, weights)
    assert auroc(ranking) == pytest.approx(oracle.roc_auc_score(truth, scores, sample_weight=weights))
    assert average_precision(ranking) == pytest.approx(
        oracle.average_precision_score(truth, scores, sample_weight=weights)
    )
    assert partial_auroc(ranking) == pytest.approx(isic_2024_score(truth, scores, weights))


@pytest.mark.parametrize(("truth", "scores", "weights"), list(cases()))
@pytest.mark.parametrize("target", [0.5, 0.9, 0.95, 1.0])
def test_specificity_is_the_best_of_all_thresholds_that_reach_the_sensitivity(truth, scores, weights, target):
    best = max(
        weights[~truth & (scores < t)].sum() / weights[~truth].sum()
        for t in np.unique(scores)
        if weights[truth & (scores >= t)].sum() >= target * weights[truth].sum() - 1e-9
    )
    assert specificity_at_sensitivity(rank(truth, scores, weights), target) == pytest.approx(best)


def test_nineteen_of_twenty_reach_95_percent():
    truth = np.array([True] * 20 + [False] * 2)
    scores = np.array([*np.linspace(0.9, 0.7, 19), 0.1, 0.5, 0.2])
    assert specificity_at_sensitivity(rank(truth, scores, np.ones(22)), 0.95) == 1.0
    assert specificity_at_sensitivity(rank(truth, scores, np.ones(22)), 0.96) == 0.0


def test_partial_area_by_hand():
    # Sensitivity 1 is reached at a false-positive rate of .25: 0.2 x 0.75 above the line of .8.
    truth = np.array([True] * 5 + [False] * 4)
    scores = np.array([0.9, 0.9, 0.9, 0.9, 0.6, 0.7, 0.5, 0.4, 0.3])
    assert partial_auroc(rank(truth, scores, np.ones(9))) == pytest.approx(0.2 * 0.75)
    assert partial_auroc(rank(truth, truth.astype(float), np.ones(9))) == pytest.approx(0.2)
    assert partial_auroc(rank(truth, np.zeros(9), np.ones(9))) == pytest.approx(0.02)


@pytest.mark.parametrize("metric", [auroc, partial_auroc, lambda r: specificity_at_sensitivity(r, 0.9)])
@pytest.mark.parametrize("truth", [np.zeros(4, bool), np.ones(4, bool), np.zeros(0, bool)])
def test_one_sided_data_have_no_figure(metric, truth):
    scores = np.linspace(0, 1, len(truth))
    assert np.isnan(metric(rank(truth, scores, np.ones(len(truth)))))


def test_many_weightings_at_once_equal_one_at_a_time():
    truth, scores, _ = next(cases())
    weights = np.random.default_rng(3).integers(0, 3, size=(20, 300)).astype(float)
    together = rank(truth, scores, weights)
    for metric in (auroc, partial_auroc, average_precision, lambda r: specificity_at_sensitivity(r, 0.9)):
        one_by_one = [float(metric(rank(truth, scores, w))) for w in weights]
        assert metric(together) == pytest.approx(one_by_one)


labelled = st.lists(st.tuples(st.booleans(), st.integers(0, 6)), min_size=2, max_size=30)


@given(labelled, st.randoms(use_true_random=False))
@settings(max_examples=80, deadline=None)
def test_area_counts_pairs_whatever_the_order_of_rows(rows, random):
    truth, scores = np.array([t for t, _ in rows]), np.array([s / 6 for _, s in rows])
    pairs = [(p > n) + 0.5 * (p == n) for p in scores[truth] for n in scores[~truth]]
    shuffled = list(range(len(rows)))
    random.shuffle(shuffled)
    value = auroc(rank(truth[shuffled], scores[shuffled], np.ones(len(rows))))
    if pairs:
        assert value == pytest.approx(np.mean(pairs))
        assert 0 <= partial_auroc(rank(truth, scores, np.ones(len(rows)))) <= 0.2 + 1e-12
    else:
        assert np.isnan(value)
