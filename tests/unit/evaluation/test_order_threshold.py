import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nevus.evaluation.order_threshold import halfway_down, highest_threshold


def test_one_in_hand_by_hand():
    scores = np.arange(1, 20) / 20  # 19 scores: .95 x 20 = 19 must reach it
    assert highest_threshold(scores, 0.95) == 0.05
    assert highest_threshold(scores, 0.90) == 0.10  # 18 of 19
    assert highest_threshold(scores, 0.5) == 0.5  # 10 of 19


def test_too_few_scores_take_the_lowest():
    assert highest_threshold(np.array([0.3, 0.6]), 0.99) == 0.3


def test_each_group_counts_once():
    # Nine images of one lesion score high, three single lesions low: half of four lesions + 1 is 2.5.
    scores = np.array([0.9] * 9 + [0.3, 0.2, 0.1])
    groups = np.array(["a"] * 9 + ["b", "c", "d"], dtype=object)
    assert highest_threshold(scores, 0.5) == 0.9
    assert highest_threshold(scores, 0.5, groups) == 0.2


def test_halfway_lies_between_neighbours_and_ties_stay_together():
    scores = np.array([0.1, 0.4, 0.4, 0.8])
    assert halfway_down(0.4, scores) == pytest.approx(0.25)
    assert halfway_down(0.1, scores, floor=0.0) == pytest.approx(0.05)
    assert halfway_down(0.1, scores) == 0.1
    close = np.array([0.5, np.nextafter(0.5, 1)])
    assert halfway_down(close[1], close) == close[1]


def test_a_new_score_reaches_it_at_least_as_often_as_asked():
    rng = np.random.default_rng(0)
    hits = []
    for _ in range(3000):
        drawn = rng.normal(size=40)
        hits.append(drawn[-1] >= highest_threshold(drawn[:-1], 0.9))
    assert np.mean(hits) >= 0.9 - 2.5 * 0.3 / np.sqrt(3000)
    assert np.mean(hits) <= 0.93


scored = st.lists(st.tuples(st.integers(0, 20), st.sampled_from("abcde")), min_size=1, max_size=40)


@given(scored, st.floats(0.01, 1), st.floats(0.01, 1), st.booleans())
@settings(max_examples=100, deadline=None)
def test_a_higher_share_never_raises_it_and_it_reaches_what_it_can(rows, one, other, grouped):
    scores = np.array([s / 20 for s, _ in rows])
    groups = np.array([g for _, g in rows], dtype=object) if grouped else None
    low, high = sorted((one, other))
    strict, loose = highest_threshold(scores, high, groups), highest_threshold(scores, low, groups)
    assert strict <= loose
    names = groups if grouped else np.arange(len(scores))
    share = np.mean([(scores[names == name] >= strict).mean() for name in set(names.tolist())])
    assert share >= high - 1e-9 or strict == scores.min()
