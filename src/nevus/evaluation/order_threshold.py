"""The threshold that a stated share of scores reaches, held with one in hand for the scores still to come."""

from __future__ import annotations

import numpy as np

from nevus.evaluation.arrays import Anything, Floats
from nevus.evaluation.ranking import ROUNDING


def highest_threshold(scores: Floats, share: float, groups: Anything | None = None) -> float:
    """The highest score t such that scores >= t make up `share` of all, counted as `share` x (n + 1) out of n.

    The n + 1 is split-conformal's (Vovk, Gammerman & Shafer 2005): a new score, exchangeable with these, reaches t
    with probability of at least `share`; with n alone it would be a little less. Too few scores for it: the lowest.

    Args:
        scores: [N], at least one.
        share: 0 .. 1.
        groups: [N]; if given, each group counts once, for the share of its scores that reach t.
    """
    if groups is None:
        sizes, n = np.ones(len(scores)), len(scores)
    else:
        _, index, counts = np.unique(groups, return_inverse=True, return_counts=True)
        sizes, n = counts[index].astype(np.float64), len(counts)
    order = np.argsort(-scores, kind="stable")
    reached = np.cumsum(1.0 / sizes[order])
    place = int(np.searchsorted(reached, share * (n + 1) - ROUNDING))
    return float(scores[order][min(place, len(scores) - 1)])


def halfway_down(threshold: float, scores: Floats, floor: float | None = None) -> float:
    """Halfway from a threshold to the next lower score, so that no decision here hangs on a last bit.

    Another runtime rounds otherwise; a threshold that equals an image's score would change that image's verdict.

    Args:
        threshold: one of `scores`; what reaches it still reaches the result, and nothing else does.
        scores: [N], all scores that are compared with it.
        floor: stands for the next lower score where there is none; without it the threshold then stays.
    """
    lower = scores[scores < threshold]
    below = float(lower.max()) if len(lower) else floor
    if below is None or below >= threshold:
        return threshold
    middle = below + (threshold - below) / 2
    return middle if middle > below else threshold
