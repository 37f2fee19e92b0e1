"""Split-conformal prediction sets: all classes whose probability reaches a threshold; they hold the truth as stated."""

from __future__ import annotations

import numpy as np

from nevus.evaluation.arrays import Floats, ratio
from nevus.evaluation.errors import EvaluationError
from nevus.evaluation.interval import bootstrap_estimates
from nevus.evaluation.order_threshold import halfway_down, highest_threshold
from nevus.evaluation.predictions import Predictions, n_groups
from nevus.evaluation.results import Bootstrap
from nevus.evaluation.subset_scores import PredictionSetScores


def choose_set_threshold(validation: Predictions, coverage: float) -> float:
    """The highest threshold at which the sets of validation hold the true class in `coverage` of images and of groups.

    Least-ambiguous sets (Sadinle, Lei & Wasserman, JASA 2019) with the split-conformal n + 1: on new, exchangeable
    lesions the truth is in the set with probability of at least `coverage`, whatever the model.

    Raises:
        EvaluationError: no labelled image to set it by.
    """
    rows = validation.take(validation.labelled)
    if len(rows) == 0:
        raise EvaluationError("validation holds no labelled image, so no prediction sets can be made from it.")
    stated = rows.probabilities[np.arange(len(rows)), rows.labels]
    threshold = min(highest_threshold(stated, coverage), highest_threshold(stated, coverage, rows.groups))
    return halfway_down(threshold, rows.probabilities.ravel(), 0.0)


def evaluate_prediction_sets(
    predictions: Predictions, threshold: float, target_coverage: float, bootstrap: Bootstrap
) -> PredictionSetScores:
    """How often the sets hold the true class, overall and by true class, and how large they are."""
    rows = predictions.take(predictions.labelled)
    inside = rows.probabilities >= threshold
    sizes = inside.sum(axis=1)
    holds = inside[np.arange(len(rows)), rows.labels] if len(rows) else np.zeros(0, np.bool_)
    members = {"coverage": np.ones(len(rows), np.bool_)} | {
        f"coverage of {code}": rows.labels == i for i, code in enumerate(rows.classes)
    }

    def statistics(weights: Floats) -> dict[str, Floats]:
        covered = {
            name: ratio(weights @ (holds & mask).astype(np.float64), weights @ mask.astype(np.float64))
            for name, mask in members.items()
        }
        return covered | {"size": ratio(weights @ sizes.astype(np.float64), weights.sum(axis=-1))}

    support = {name: n_groups(rows.groups[mask]) for name, mask in members.items()}
    found = bootstrap_estimates(statistics, rows.groups, bootstrap, support=support)
    return PredictionSetScores(
        target_coverage=target_coverage,
        threshold=threshold,
        coverage=found["coverage"],
        coverage_by_class={code: found[f"coverage of {code}"] for code in rows.classes},
        mean_size=found["size"],
        size_counts=tuple(np.bincount(sizes, minlength=len(rows.classes) + 1).tolist()),
    )
