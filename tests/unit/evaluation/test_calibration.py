import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from nevus.evaluation.calibration import describe_calibration, fit_temperature, softmax
from nevus.evaluation.errors import EvaluationError
from nevus.evaluation.probability_scores import negative_log_likelihood


def drawn(n=4000, classes=5, temperature=1.0, seed=0):
    """Labels drawn from softmax(logits), and the logits made too sharp by a temperature."""
    rng = np.random.default_rng(seed)
    logits = 2 * rng.normal(size=(n, classes))
    labels = np.array([rng.choice(classes, p=row) for row in softmax(logits)])
    return logits * temperature, labels


def loss(logits, labels, temperature):
    return float(negative_log_likelihood(softmax(logits, temperature), labels, np.ones(len(labels))))


@pytest.mark.parametrize("sharpened", [0.5, 1.0, 3.0])
def test_the_temperature_that_sharpened_the_logits_is_found_again(sharpened):
    logits, labels = drawn(temperature=sharpened)
    assert fit_temperature(logits, labels) == pytest.approx(sharpened, rel=0.08)


def test_it_is_where_scipy_finds_the_least_loss():
    logits, labels = drawn(n=600, temperature=2.0, seed=4)
    best = minimize_scalar(
        lambda t: loss(logits, labels, t), bounds=(0.05, 20), method="bounded", options={"xatol": 1e-9}
    )
    assert fit_temperature(logits, labels) == pytest.approx(best.x, rel=1e-3)


def test_logits_without_a_mistake_stop_at_the_coldest_and_useless_ones_at_the_hottest():
    assert fit_temperature(np.eye(3), np.arange(3)) == pytest.approx(0.05)
    assert fit_temperature(np.eye(3), np.array([1, 2, 0])) == pytest.approx(20.0)


def test_it_says_what_it_did():
    logits, labels = drawn(temperature=3.0)
    found = describe_calibration(logits, labels, fit_temperature(logits, labels))
    assert found.nll_after < found.nll_before
    assert found.ece_after < 0.03 < found.ece_before
    assert found.nll_after == pytest.approx(loss(logits, labels, found.temperature))


@pytest.mark.parametrize("logits", [np.zeros((0, 3)), np.array([[1.0, np.nan, 0.0]])])
def test_nothing_to_fit_on_is_said(logits):
    with pytest.raises(EvaluationError, match="no temperature"):
        fit_temperature(logits, np.zeros(len(logits), dtype=int))


@given(
    st.lists(st.lists(st.floats(-8, 8), min_size=3, max_size=3), min_size=2, max_size=12),
    st.integers(0, 2),
)
@settings(max_examples=50, deadline=None)
def test_it_changes_no_call_and_never_makes_the_likelihood_worse(rows, label):
    logits = np.round(np.array(rows), 3)
    labels = np.full(len(rows), label)
    temperature = fit_temperature(logits, labels)
    assert (softmax(logits, temperature).argmax(axis=1) == logits.argmax(axis=1)).all()
    assert loss(logits, labels, temperature) <= loss(logits, labels, 1.0) + 1e-9
