import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation_factory import make_predictions, objects
from nevus.evaluation.errors import EvaluationError
from nevus.evaluation.refusal import choose_refusal_limit, evaluate_refusals
from nevus.evaluation.results import Bootstrap


def names(n):
    return np.array([f"g{i}" for i in range(n)], dtype=object)


def test_limit_by_hand():
    scores = np.arange(1.0, 100.0)  # 99 lesions: 3 % of 100 are three, less one in hand: two are refused
    limit = choose_refusal_limit(scores, names(99), np.zeros(99, bool))
    assert limit == 97.5
    assert (scores > limit).sum() == 2


def test_malignant_lesions_have_their_own_share():
    scores = np.arange(1.0, 201.0)
    malignant = scores > 180  # the 20 strangest
    limit = choose_refusal_limit(scores, names(200), malignant, max_share=0.10, max_malignant_share=0.10)
    assert limit == 199.5  # one of twenty, not nineteen of two hundred
    assert choose_refusal_limit(scores, names(200), ~malignant, max_share=0.10, max_malignant_share=0.10) == 181.5


def test_a_lesion_counts_as_refused_when_any_image_of_it_is():
    # 50 lesions of four images; in each of five one image is strange. By images 2.5 %, by lesions 10 %.
    scores = np.tile([1.0, 2.0, 3.0, 4.0], 50) + np.repeat(np.arange(50) / 1000, 4)
    scores[[3, 7, 11, 15, 19]] = 100.0
    groups = np.repeat(names(50), 4)
    limit = choose_refusal_limit(scores, groups, np.zeros(200, bool), max_share=0.05)
    refused = {g for g, s in zip(groups, scores, strict=True) if s > limit}
    assert len(refused) <= 2


def test_too_few_lesions_to_refuse_any_means_no_one_is():
    scores = np.array([1.0, 5.0, 3.0])
    assert (scores > choose_refusal_limit(scores, names(3), np.zeros(3, bool))).sum() == 0


@pytest.mark.parametrize("scores", [np.zeros(0), np.array([1.0, np.inf])])
def test_scores_that_are_absent_or_endless_are_said(scores):
    with pytest.raises(EvaluationError, match="no limit can be set"):
        choose_refusal_limit(scores, names(len(scores)), np.zeros(len(scores), bool))


@given(
    st.lists(st.tuples(st.integers(0, 30), st.sampled_from("abcdefghijkl"), st.booleans()), min_size=1, max_size=60),
    st.floats(0.01, 0.5),
    st.floats(0.01, 0.5),
)
@settings(max_examples=80, deadline=None)
def test_both_shares_hold_by_images_and_by_groups(rows, share, malignant_share):
    scores = np.array([float(s) for s, _, _ in rows])
    groups = np.array([g for _, g, _ in rows], dtype=object)
    malignant = np.array([m for _, _, m in rows])
    limit = choose_refusal_limit(scores, groups, malignant, max_share=share, max_malignant_share=malignant_share)
    for rows_of, most in ((np.ones(len(rows), bool), share), (malignant, malignant_share)):
        if rows_of.any():
            refused = (scores > limit) & rows_of
            assert refused.sum() <= most * rows_of.sum() + 1e-9
            assert len(set(groups[refused])) <= most * len(set(groups[rows_of])) + 1e-9


def test_rates_by_hand():
    predictions = make_predictions(
        [0.1, 0.2, 0.3, 0.9, 0.8, 0.7],
        [False, False, False, True, True, True],
        groups=list("aabcdd"),
        out_of_distribution=np.array([True, False, False, False, False, False]),
        unusable=np.array([True, False, False, True, False, False]),
        columns={"source": objects(["x", "x", "y", "y", None, "y"])},
    )
    found = evaluate_refusals(predictions, 7.5, Bootstrap(replicates=100))
    assert found.ood_limit == 7.5
    assert (found.overall.n_images, found.overall.n_groups) == (6, 4)
    assert found.overall.out_of_distribution.value == pytest.approx(1 / 6)
    assert found.overall.groups_out_of_distribution.value == pytest.approx(1 / 4)
    assert found.overall.unusable.value == pytest.approx(2 / 6)
    assert found.overall.any.value == pytest.approx(2 / 6)
    assert found.overall.near_threshold.value == 0
    assert found.malignant.any.value == pytest.approx(1 / 3)
    assert found.malignant.out_of_distribution.value == 0
    assert found.malignant.out_of_distribution.high > 0.5  # none of two lesions proves little
    assert set(found.by_source) == {"x", "y"}
    assert found.by_source["x"].any.value == 0.5
    assert found.by_class["benign"].any.value == pytest.approx(1 / 3)
