"""How well a score ranks positives above negatives: AUROC, partial AUROC, specificity at a sensitivity, precision.

A `Ranking` is made once from scores and weights; the metrics are read off it, for [...] resamples at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nevus.evaluation.arrays import Bools, Floats, ratio

ROUNDING = 1e-9
"""Slack where a share is compared with a target, so that 19 of 20 reaches .95 in floating point."""


@dataclass(frozen=True)
class Ranking:
    """Weight of positives and of negatives at or above each distinct score, from the highest score down.

    `thresholds` is [U], falling; `true_positives` and `false_positives` are [..., U], rising; their last column is all
    positives, all negatives.
    """

    thresholds: Floats
    true_positives: Floats
    false_positives: Floats

    @property
    def sensitivity(self) -> Floats:
        """Share of positives at or above each threshold [..., U]; NaN where there are no positives."""
        return ratio(self.true_positives, self.true_positives[..., -1:])

    @property
    def false_positive_rate(self) -> Floats:
        """Share of negatives at or above each threshold [..., U]; NaN where there are no negatives."""
        return ratio(self.false_positives, self.false_positives[..., -1:])


def rank(positive: Bools, scores: Floats, weights: Floats) -> Ranking:
    """Order votes by score; equal scores form one step.

    Args:
        positive: truth [N].
        scores: [N], higher means more likely positive.
        weights: [..., N].
    """
    if len(scores) == 0:
        nothing = np.zeros((*weights.shape[:-1], 1))
        return Ranking(np.zeros(1), nothing, nothing)
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    ends = np.append(np.flatnonzero(np.diff(ordered)), len(ordered) - 1)
    truth = positive[order].astype(np.float64)
    sorted_weights = np.take(weights, order, axis=-1)
    everything = np.cumsum(sorted_weights, axis=-1)[..., ends]
    hits = np.cumsum(sorted_weights * truth, axis=-1)[..., ends]
    return Ranking(ordered[ends], hits, everything - hits)


def auroc(ranking: Ranking) -> Floats:
    """Area under the ROC curve [...]: the chance that a positive scores above a negative, ties counting half.

    Trapezoids over the weighted curve, equal to the Mann-Whitney U statistic (Hanley & McNeil, Radiology 1982).
    NaN where positives or negatives are absent.
    """
    hits, alarms = ranking.true_positives, ranking.false_positives
    earlier = np.concatenate([np.zeros_like(hits[..., :1]), hits[..., :-1]], axis=-1)
    steps = np.diff(alarms, axis=-1, prepend=0.0)
    area = np.einsum("...u,...u->...", steps, hits + earlier) / 2
    return ratio(area, hits[..., -1] * alarms[..., -1])


def partial_auroc(ranking: Ranking, min_sensitivity: float = 0.8) -> Floats:
    """Area between the ROC curve and the line of `min_sensitivity` [...], in 0 .. 1 - min_sensitivity.

    The primary metric of ISIC 2024 (pAUC above 80 % TPR, range 0 to 0.2): the integral of specificity over
    sensitivity from `min_sensitivity` to 1. NaN where positives or negatives are absent.
    """
    zeros = np.zeros((*ranking.true_positives.shape[:-1], 1))
    right = ranking.sensitivity
    left = np.concatenate([zeros, right[..., :-1]], axis=-1)
    specificity_right = 1 - ranking.false_positive_rate
    specificity_left = np.concatenate([zeros + 1, specificity_right[..., :-1]], axis=-1)
    start = np.clip(left, min_sensitivity, None)
    width = np.clip(right - start, 0.0, None)
    rise = ratio(specificity_left - specificity_right, right - left)
    height = specificity_right + np.where(width > 0, rise * width / 2, 0.0)
    defined = (ranking.true_positives[..., -1] > 0) & (ranking.false_positives[..., -1] > 0)
    return np.where(defined, np.where(width > 0, width * height, 0.0).sum(axis=-1), np.nan)


def specificity_at_sensitivity(ranking: Ranking, sensitivity: float) -> Floats:
    """The highest specificity of any threshold that reaches `sensitivity` [...]; NaN where a side is absent."""
    positives = ranking.true_positives[..., -1:]
    reached = ranking.true_positives >= sensitivity * positives * (1 - ROUNDING)
    first = np.argmax(reached, axis=-1)[..., None]
    alarms = np.take_along_axis(ranking.false_positives, first, axis=-1)
    specificity = 1 - ratio(alarms, ranking.false_positives[..., -1:])
    return np.where(positives > 0, specificity, np.nan)[..., 0]


def average_precision(ranking: Ranking) -> Floats:
    """Sum over thresholds of (recall gained) x precision [...], without interpolation; NaN without positives."""
    hits = ranking.true_positives
    gained = np.diff(hits, axis=-1, prepend=0.0)
    precision = ratio(hits, hits + ranking.false_positives)
    return ratio(np.where(gained > 0, gained * precision, 0.0).sum(axis=-1), hits[..., -1])
