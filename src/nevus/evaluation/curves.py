"""ROC and precision-recall curves, thinned to what a figure needs."""

from __future__ import annotations

import numpy as np

from nevus.evaluation.arrays import Floats, Integers, ratio
from nevus.evaluation.ranking import Ranking
from nevus.evaluation.subset_scores import PrecisionRecallCurve, RocCurve

MAX_POINTS = 200
DIGITS = 6


def roc_curve(ranking: Ranking) -> RocCurve | None:
    """The ROC curve of one ranking (weights [N]), from (0, 0) to (1, 1); None where positives or negatives lack."""
    if not (ranking.true_positives[-1] > 0 and ranking.false_positives[-1] > 0):
        return None
    x = np.concatenate([[0.0], ranking.false_positive_rate])
    y = np.concatenate([[0.0], ranking.sensitivity])
    kept = thin(x, y)
    thresholds = [None, *ranking.thresholds.tolist()]
    return RocCurve(
        false_positive_rate=tuple(x[kept].round(DIGITS).tolist()),
        sensitivity=tuple(y[kept].round(DIGITS).tolist()),
        thresholds=tuple(thresholds[i] for i in kept.tolist()),
    )


def precision_recall_curve(ranking: Ranking) -> PrecisionRecallCurve | None:
    """Precision over recall of one ranking (weights [N]); None without positives."""
    if not ranking.true_positives[-1] > 0:
        return None
    precision = ratio(ranking.true_positives, ranking.true_positives + ranking.false_positives)
    kept = thin(ranking.sensitivity, precision)
    return PrecisionRecallCurve(
        recall=tuple(ranking.sensitivity[kept].round(DIGITS).tolist()),
        precision=tuple(precision[kept].round(DIGITS).tolist()),
        thresholds=tuple(ranking.thresholds[kept].tolist()),
    )


def thin(x: Floats, y: Floats, at_most: int = MAX_POINTS) -> Integers:
    """Indices of at most so many points, the ends among them, spread evenly along the length of the curve."""
    if len(x) <= at_most:
        return np.arange(len(x))
    steps = np.abs(np.diff(x)) + np.abs(np.diff(y))
    length = np.concatenate([[0.0], np.cumsum(steps)])
    wanted = np.linspace(0.0, length[-1], at_most)
    kept = np.searchsorted(length, wanted, side="left")
    kept[0], kept[-1] = 0, len(x) - 1
    return np.unique(kept)
