"""Temperature scaling: one number, fitted on validation, that makes stated probabilities come true more often."""

from __future__ import annotations

import numpy as np

from nevus.evaluation.arrays import Floats, Integers
from nevus.evaluation.errors import EvaluationError
from nevus.evaluation.probability_scores import negative_log_likelihood
from nevus.evaluation.reliability import expected_calibration_error
from nevus.evaluation.results import Calibration

COLDEST, HOTTEST = 0.05, 20.0
"""Limits of the temperature: where the logits separate the classes without a mistake, none is too cold."""
HALVINGS = 60


def softmax(logits: Floats, temperature: float = 1.0) -> Floats:
    """Probabilities [N, C] of logits [N, C] divided by a temperature."""
    scaled = logits / temperature
    exponentials = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    shares: Floats = exponentials / exponentials.sum(axis=1, keepdims=True)
    return shares


def fit_temperature(logits: Floats, labels: Integers) -> float:
    """The temperature T > 0 at which softmax(logits / T) has the least negative log-likelihood.

    Guo et al., ICML 2017. In b = 1 / T the loss is convex, with the slope mean(E_p[z] - z_true); its root is found by
    bisection. T keeps the order of the classes, so that no call changes.

    Args:
        logits: [N, C] of validation.
        labels: true class [N].

    Raises:
        EvaluationError: nothing to fit on, or logits that aren't finite.
    """
    if len(labels) == 0 or not np.isfinite(logits).all():
        raise EvaluationError("no temperature can be fitted: validation's logits are absent or not finite.")
    true_logits = logits[np.arange(len(labels)), labels]
    low, high = 1 / HOTTEST, 1 / COLDEST
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        expected = (softmax(logits, 1 / middle) * logits).sum(axis=1)
        if float((expected - true_logits).mean()) < 0:
            low = middle
        else:
            high = middle
    return 2 / (low + high)


def describe_calibration(logits: Floats, labels: Integers, temperature: float) -> Calibration:
    """What a temperature does to likelihood and calibration error on these rows; `logits` are those before it."""
    weights = np.ones(len(labels))
    before, after = softmax(logits), softmax(logits, temperature)
    right = logits.argmax(axis=1) == labels
    return Calibration(
        temperature=temperature,
        nll_before=float(negative_log_likelihood(before, labels, weights)),
        nll_after=float(negative_log_likelihood(after, labels, weights)),
        ece_before=float(expected_calibration_error(before.max(axis=1), right, weights)),
        ece_after=float(expected_calibration_error(after.max(axis=1), right, weights)),
    )
