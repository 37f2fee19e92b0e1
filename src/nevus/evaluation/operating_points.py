"""Thresholds on the malignant probability: chosen on validation at a stated sensitivity, re-checked elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial

import numpy as np

from nevus.evaluation.arrays import Floats, ratio
from nevus.evaluation.errors import EvaluationError
from nevus.evaluation.interval import bootstrap_estimates
from nevus.evaluation.order_threshold import halfway_down, highest_threshold
from nevus.evaluation.predictions import Predictions, n_groups
from nevus.evaluation.results import Bootstrap, OperatingPoint
from nevus.evaluation.subset_scores import OperatingPointResult


def operating_point_name(target_sensitivity: float) -> str:
    """The name of the operating point at a target: .95 -> `sensitivity_95`, .975 -> `sensitivity_97.5`."""
    return f"sensitivity_{target_sensitivity * 100:g}"


def choose_threshold(validation: Predictions, target_sensitivity: float) -> float:
    """The highest threshold on the malignant probability that reaches the sensitivity, by images and by groups.

    By images: every malignant image counts once. By groups: every patient or lesion counts once, for the share of its
    malignant images that are found. Both must hold, so that neither a much-photographed lesion nor the many
    photographed once decide alone. Each is held with one miss in hand (`highest_threshold`): the target is then met on
    new lesions on average, not only on those that set the threshold. Malignant is called where p >= threshold.

    Raises:
        EvaluationError: no malignant image to set it by.
    """
    malignant = validation.malignant
    if not malignant.any():
        raise EvaluationError("validation holds no malignant image, so no operating point can be set on it.")
    scores = validation.p_malignant[malignant]
    threshold = min(
        highest_threshold(scores, target_sensitivity),
        highest_threshold(scores, target_sensitivity, validation.groups[malignant]),
    )
    return halfway_down(threshold, validation.p_malignant, 0.0)


def choose_operating_points(
    validation: Predictions, targets: Iterable[float], bootstrap: Bootstrap
) -> tuple[OperatingPoint, ...]:
    """One operating point for each target sensitivity, with what it reaches on validation itself."""
    chosen = []
    for target in targets:
        threshold = choose_threshold(validation, target)
        reached = bootstrap_estimates(
            partial(shares_at, validation, threshold),
            validation.groups,
            bootstrap,
            support=share_support(validation, threshold),
        )
        chosen.append(
            OperatingPoint(
                name=operating_point_name(target),
                threshold=threshold,
                target_sensitivity=target,
                sensitivity=reached["sensitivity"],
                specificity=reached["specificity"],
            )
        )
    return tuple(chosen)


def shares_at(predictions: Predictions, threshold: float, weights: Floats) -> dict[str, Floats]:
    """Sensitivity, specificity, ppv, npv and melanoma_sensitivity [...] at a threshold; weights are [..., N]."""
    called = predictions.p_malignant >= threshold
    found = weights @ (called & predictions.malignant).astype(np.float64)
    alarms = weights @ (called & ~predictions.malignant).astype(np.float64)
    malignant = weights @ predictions.malignant.astype(np.float64)
    benign = weights @ (~predictions.malignant).astype(np.float64)
    return {
        "sensitivity": ratio(found, malignant),
        "specificity": ratio(benign - alarms, benign),
        "ppv": ratio(found, found + alarms),
        "npv": ratio(benign - alarms, benign - alarms + malignant - found),
        "melanoma_sensitivity": ratio(
            weights @ (called & predictions.melanoma).astype(np.float64),
            weights @ predictions.melanoma.astype(np.float64),
        ),
    }


def share_support(predictions: Predictions, threshold: float) -> Mapping[str, int]:
    """How many groups each of those shares rests on."""
    called = predictions.p_malignant >= threshold
    rows = {
        "sensitivity": predictions.malignant,
        "specificity": ~predictions.malignant,
        "ppv": called,
        "npv": ~called,
        "melanoma_sensitivity": predictions.melanoma,
    }
    return {name: n_groups(predictions.groups[mask]) for name, mask in rows.items()}


def evaluate_operating_point(
    predictions: Predictions, point: OperatingPoint, bootstrap: Bootstrap
) -> OperatingPointResult:
    """What an operating point, whatever part it was chosen on, does on these predictions."""
    shares = bootstrap_estimates(
        partial(shares_at, predictions, point.threshold),
        predictions.groups,
        bootstrap,
        support=share_support(predictions, point.threshold),
    )
    called, malignant, melanoma = (
        predictions.p_malignant >= point.threshold,
        predictions.malignant,
        predictions.melanoma,
    )
    return OperatingPointResult(
        name=point.name,
        threshold=point.threshold,
        target_sensitivity=point.target_sensitivity,
        true_positives=int((called & malignant).sum()),
        false_negatives=int((~called & malignant).sum()),
        false_positives=int((called & ~malignant).sum()),
        true_negatives=int((~called & ~malignant).sum()),
        melanomas=int(melanoma.sum()),
        melanomas_missed=int((~called & melanoma).sum()),
        **shares,
    )
