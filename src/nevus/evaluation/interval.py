"""Intervals by resampling whole groups: images of one patient or lesion come and go together.

A resample is a set of weights, how often each group was drawn, not a copy of the rows: a thousand of them are one
matrix, and each metric takes that matrix in one call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from nevus.evaluation.arrays import Anything, Floats
from nevus.evaluation.estimate import Estimate
from nevus.evaluation.results import Bootstrap

CHUNK = 4_000_000
"""Weights held at a time (32 MB): large subsets are resampled in several goes."""
MIN_DEFINED = 0.9
"""Least share of resamples in which a figure must exist for an interval to be stated."""

Statistics = Callable[[Floats], Mapping[str, Floats]]
"""From weights [..., N] to named figures [...]."""


def group_weights(groups: Anything, bootstrap: Bootstrap) -> Iterator[Floats]:
    """How often each row counts in each resample: chunks [r, N] that add up to `bootstrap.replicates` rows.

    G groups are drawn with replacement out of G. The draws depend on the seed and on the names of the groups, not on
    the order of the rows nor on the size of a chunk.
    """
    names, index = np.unique(groups, return_inverse=True)
    rng = np.random.default_rng(bootstrap.seed)
    left = bootstrap.replicates
    while left > 0:
        now = min(left, max(1, CHUNK // max(len(index), 1)))
        drawn = rng.integers(0, len(names), size=(now, len(names)))
        offsets = np.arange(now)[:, None] * len(names)
        counts = np.bincount((drawn + offsets).ravel(), minlength=now * len(names))
        yield counts.reshape(now, len(names))[:, index].astype(np.float64)
        left -= now


def bootstrap_estimates(
    statistics: Statistics,
    groups: Anything,
    bootstrap: Bootstrap,
    *,
    support: Mapping[str, int] | None = None,
) -> dict[str, Estimate]:
    """Each figure with its percentile interval over resamples of groups.

    No interval is stated for a figure that exists in fewer than 90 % of the resamples: too few groups carry it. A
    share that is 0 or 1 in every resample has an exact binomial (Clopper-Pearson) bound instead, on the number of
    groups in `support`: 5 of 5 found doesn't prove a sensitivity of 1.

    Args:
        statistics: figures [...] from weights [..., N].
        groups: the group of each row [N].
        bootstrap: replicates, seed and level.
        support: name of a share -> number of groups that its denominator holds.
    """
    point = statistics(np.ones(len(groups)))
    chunks = [statistics(weights) for weights in group_weights(groups, bootstrap)] if len(groups) else []
    return {
        name: _estimate(
            float(value),
            np.concatenate([chunk[name] for chunk in chunks]) if chunks else np.empty(0),
            bootstrap.level,
            (support or {}).get(name),
        )
        for name, value in point.items()
    }


def _estimate(value: float, replicates: Floats, level: float, support: int | None) -> Estimate:
    defined = replicates[np.isfinite(replicates)]
    if len(defined) == 0 or len(defined) < MIN_DEFINED * len(replicates):
        return Estimate.of(value)
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    if support and low == high == value and value in (0.0, 1.0):
        bound = ((1 - level) / 2) ** (1 / support)
        low, high = (bound, 1.0) if value == 1.0 else (0.0, 1 - bound)
    # The value of the whole sample may stand outside its percentiles where a figure is biased (ECE is); the interval
    # then reaches to it, because an interval that excludes its own figure says nothing.
    return Estimate.of(value, min(float(low), value), max(float(high), value))
