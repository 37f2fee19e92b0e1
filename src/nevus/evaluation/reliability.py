"""Do stated probabilities come true? Reliability bins and the expected calibration error."""

from __future__ import annotations

import numpy as np

from nevus.evaluation.arrays import Anything, Floats, Integers, ratio
from nevus.evaluation.subset_scores import ReliabilityBin

BINS = 15


def bin_of(stated: Floats, bins: int = BINS) -> Integers:
    """The equal-width bin [i / bins, (i + 1) / bins) of each probability [N]; probability 1 is in the last."""
    return np.minimum((stated * bins).astype(np.int64), bins - 1)


def expected_calibration_error(stated: Floats, came_true: Anything, weights: Floats, bins: int = BINS) -> Floats:
    """Mean over bins, weighted by their votes, of |share that came true - mean stated probability| [...], in 0 .. 1.

    Guo et al., ICML 2017, with equal-width bins. For a classifier, `stated` is the highest class probability and
    `came_true` whether that class was right (top-label calibration).

    Args:
        stated: probabilities [N].
        came_true: [N], 0 or 1.
        weights: [..., N].
        bins: how many.
    """
    gaps = np.zeros((len(stated), bins))
    gaps[np.arange(len(stated)), bin_of(stated, bins)] = came_true - stated
    return ratio(np.abs(weights @ gaps).sum(axis=-1), weights.sum(axis=-1))


def reliability_bins(stated: Floats, came_true: Anything, bins: int = BINS) -> tuple[ReliabilityBin, ...]:
    """The bins behind a reliability diagram, empty ones included."""
    places = bin_of(stated, bins)
    counts = np.bincount(places, minlength=bins)
    means = ratio(np.bincount(places, weights=stated, minlength=bins), counts)
    shares = ratio(np.bincount(places, weights=came_true.astype(np.float64), minlength=bins), counts)
    return tuple(
        ReliabilityBin(
            low=i / bins,
            high=(i + 1) / bins,
            count=int(counts[i]),
            mean_confidence=float(means[i]) if counts[i] else None,
            accuracy=float(shares[i]) if counts[i] else None,
        )
        for i in range(bins)
    )
