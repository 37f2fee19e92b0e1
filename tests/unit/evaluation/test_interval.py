import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nevus.evaluation import interval
from nevus.evaluation.arrays import ratio
from nevus.evaluation.interval import bootstrap_estimates, group_weights
from nevus.evaluation.results import Bootstrap


def mean_of(values):
    return lambda weights: {"mean": ratio(weights @ values, weights.sum(axis=-1))}


def weights_of(groups, **settings):
    return np.concatenate(list(group_weights(np.array(groups, dtype=object), Bootstrap(**settings))))


def test_images_of_one_group_come_and_go_together_and_as_many_groups_as_there_are_are_drawn():
    groups = ["a", "b", "a", "c", "b", "a"]
    weights = weights_of(groups, replicates=500, seed=1)
    assert weights.shape == (500, 6)
    assert (weights[:, 0] == weights[:, 2]).all()
    assert (weights[:, 1] == weights[:, 4]).all()
    assert (weights[:, [0, 1, 3]].sum(axis=1) == 3).all()
    assert weights[:, 3].mean() == pytest.approx(1.0, abs=0.15)


def test_draws_depend_neither_on_the_order_of_rows_nor_on_the_size_of_a_chunk(monkeypatch):
    groups = [f"g{i % 7}" for i in range(20)]
    plain = weights_of(groups, replicates=40, seed=3)
    turned = weights_of(groups[::-1], replicates=40, seed=3)
    assert (plain == turned[:, ::-1]).all()
    monkeypatch.setattr(interval, "CHUNK", 60)  # three resamples at a time
    assert (weights_of(groups, replicates=40, seed=3) == plain).all()


def test_another_seed_draws_otherwise():
    groups = list("abcdef")
    assert (weights_of(groups, seed=0) != weights_of(groups, seed=1)).any()


def test_interval_of_a_mean_is_that_of_theory():
    values = np.random.default_rng(0).normal(10, 2, size=400)
    groups = np.arange(400).astype(str).astype(object)
    found = bootstrap_estimates(mean_of(values), groups, Bootstrap(replicates=2000))["mean"]
    half = 1.96 * values.std() / 20
    assert found.low == pytest.approx(values.mean() - half, abs=0.03)
    assert found.high == pytest.approx(values.mean() + half, abs=0.03)


def test_copies_of_a_lesion_do_not_narrow_the_interval():
    values = np.random.default_rng(0).normal(size=100)
    groups = np.arange(100).astype(str).astype(object)
    alone = bootstrap_estimates(mean_of(values), groups, Bootstrap())["mean"]
    copied = bootstrap_estimates(mean_of(np.repeat(values, 4)), np.repeat(groups, 4), Bootstrap())["mean"]
    assert copied.low == pytest.approx(alone.low)
    assert copied.high == pytest.approx(alone.high)


def test_intervals_of_a_share_cover_the_truth_about_as_often_as_they_say():
    rng = np.random.default_rng(11)
    groups = np.arange(120).astype(str).astype(object)
    covered = 0
    for seed in range(200):
        found = bootstrap_estimates(
            mean_of((rng.random(120) < 0.8) * 1.0), groups, Bootstrap(replicates=200, seed=seed)
        )
        covered += found["mean"].low <= 0.8 <= found["mean"].high
    assert 0.88 <= covered / 200 <= 0.99


def test_all_of_few_found_does_not_prove_a_sensitivity_of_one():
    groups = np.array(list("abcde"), dtype=object)
    found = bootstrap_estimates(mean_of(np.ones(5)), groups, Bootstrap(), support={"mean": 5})["mean"]
    assert found.value == 1
    assert found.high == 1
    assert found.low == pytest.approx(0.4782, abs=1e-4)  # Clopper-Pearson, 5 of 5
    none = bootstrap_estimates(mean_of(np.zeros(5)), groups, Bootstrap(), support={"mean": 5})["mean"]
    assert (none.low, none.high) == (0, pytest.approx(0.5218, abs=1e-4))


def test_a_figure_that_rests_on_one_group_has_no_interval():
    rare = np.array([1.0] + [0.0] * 49)
    groups = np.arange(50).astype(str).astype(object)

    def statistics(weights):
        return {"recall": ratio(weights @ rare, weights @ rare)}

    found = bootstrap_estimates(statistics, groups, Bootstrap())["recall"]
    assert (found.value, found.low, found.high) == (1.0, None, None)


def test_what_does_not_exist_is_null_and_no_replicates_mean_no_interval():
    groups = np.array(list("ab"), dtype=object)
    nothing = bootstrap_estimates(lambda w: {"x": np.full(w.shape[:-1], np.nan)}, groups, Bootstrap())["x"]
    assert (nothing.value, nothing.low, nothing.high) == (None, None, None)
    bare = bootstrap_estimates(mean_of(np.array([0.0, 1.0])), groups, Bootstrap(replicates=0))["mean"]
    assert (bare.value, bare.low, bare.high) == (0.5, None, None)


@given(
    st.lists(st.tuples(st.sampled_from("abcdefgh"), st.floats(-5, 5)), min_size=1, max_size=30),
    st.integers(0, 5),
)
@settings(max_examples=50, deadline=None)
def test_an_interval_contains_its_own_figure(rows, seed):
    groups = np.array([group for group, _ in rows], dtype=object)
    values = np.array([value for _, value in rows])
    found = bootstrap_estimates(mean_of(values), groups, Bootstrap(replicates=50, seed=seed))["mean"]
    assert found.low <= found.value <= found.high
