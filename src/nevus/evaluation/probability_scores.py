"""Proper scores of stated probabilities: Brier and negative log-likelihood."""

from __future__ import annotations

import numpy as np

from nevus.evaluation.arrays import Floats, Integers, ratio

SMALLEST = float(np.finfo(np.float64).eps)


def brier(probabilities: Floats, labels: Integers, weights: Floats) -> Floats:
    """Mean over votes of the sum over classes of (stated - true)^2 [...], in 0 .. 2.

    The original, multi-class form (Brier, Monthly Weather Review 1950). In a binary task it is twice the mean squared
    error of one class's probability.
    """
    truth = np.zeros_like(probabilities)
    truth[np.arange(len(labels)), labels] = 1.0
    errors = ((probabilities - truth) ** 2).sum(axis=-1)
    return ratio(weights @ errors, weights.sum(axis=-1))


def negative_log_likelihood(probabilities: Floats, labels: Integers, weights: Floats) -> Floats:
    """Mean of -log(probability of the true class) [...], in nats; a stated 0 counts as 2e-16."""
    stated = probabilities[np.arange(len(labels)), labels]
    losses = -np.log(np.clip(stated, SMALLEST, 1.0))
    return ratio(weights @ losses, weights.sum(axis=-1))
