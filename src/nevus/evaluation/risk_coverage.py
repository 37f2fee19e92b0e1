"""How the error rate falls when only the most confident answers are given (selective classification)."""

from __future__ import annotations

import numpy as np

from nevus.evaluation.arrays import Bools, Floats, ratio
from nevus.evaluation.ranking import rank


def risk_coverage_curve(confidence: Floats, wrong: Bools) -> tuple[Floats, Floats]:
    """Coverage (share of votes answered, rising to 1) and risk (share of those that are wrong), both [U].

    Equal confidences are answered together. El-Yaniv & Wiener, JMLR 2010.
    """
    ranking = rank(wrong, confidence, np.ones(len(confidence)))
    answered = ranking.true_positives + ranking.false_positives
    return ratio(answered, answered[-1:]), ratio(ranking.true_positives, answered)


def area_under_risk_coverage(confidence: Floats, wrong: Bools, weights: Floats) -> Floats:
    """AURC [...]: the mean over coverages of the risk at that coverage, in 0 .. 1; lower is better.

    Geifman, Uziel & El-Yaniv, ICLR 2019. Equal confidences form one step, whose risk counts for all its votes.
    """
    ranking = rank(wrong, confidence, weights)
    answered = ranking.true_positives + ranking.false_positives
    risk = ratio(ranking.true_positives, answered)
    steps = np.diff(answered, axis=-1, prepend=0.0)
    return ratio(np.where(steps > 0, steps * risk, 0.0).sum(axis=-1), answered[..., -1])
