"""The scores of a subset by name, with the traits that gate, comparison and report read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from nevus.evaluation import confusion as cm
from nevus.evaluation.arrays import Floats, mean_of_defined
from nevus.evaluation.probability_scores import brier, negative_log_likelihood
from nevus.evaluation.ranking import auroc, average_precision, partial_auroc, specificity_at_sensitivity
from nevus.evaluation.reliability import expected_calibration_error
from nevus.evaluation.results import Task
from nevus.evaluation.risk_coverage import area_under_risk_coverage
from nevus.evaluation.weighted_view import WeightedView


@dataclass(frozen=True)
class Metric:
    """A score: its name in `metrics.json`, what people call it, and which way is better.

    `compute` takes a `WeightedView` with weights [..., N] and gives [...]; NaN where the score doesn't exist. `of` says
    what is scored: the choice among the classes, the malignant probability, or the stated probabilities.
    """

    name: str
    title: str
    of: Literal["classes", "malignancy", "probabilities"]
    higher_is_better: bool
    lowest: float
    highest: float | None
    compute: Callable[[WeightedView], Floats]


def class_aurocs(view: WeightedView) -> Floats:
    """AUROC of each class against the rest [..., C]; NaN for a class that doesn't occur."""
    return np.stack([auroc(view.class_ranking(i)) for i in range(len(view.predictions.classes))], axis=-1)


def _melanoma_recall(view: WeightedView) -> Floats:
    classes = view.predictions.classes
    recall = cm.recall(view.confusion)
    return recall[..., classes.index("mel")] if "mel" in classes else np.full(recall.shape[:-1], np.nan)


_ALL = (
    Metric(
        "balanced_accuracy", "Balanced accuracy", "classes", True, 0, 1, lambda v: cm.balanced_accuracy(v.confusion)
    ),
    Metric("accuracy", "Accuracy", "classes", True, 0, 1, lambda v: cm.accuracy(v.confusion)),
    Metric(
        "macro_precision", "Precision (macro)", "classes", True, 0, 1, lambda v: cm.macro(cm.precision(v.confusion))
    ),
    Metric("macro_recall", "Recall (macro)", "classes", True, 0, 1, lambda v: cm.macro(cm.recall(v.confusion))),
    Metric("macro_f1", "F1 (macro)", "classes", True, 0, 1, lambda v: cm.macro(cm.f1(v.confusion))),
    Metric(
        "weighted_precision",
        "Precision (weighted)",
        "classes",
        True,
        0,
        1,
        lambda v: cm.weighted(cm.precision(v.confusion), v.confusion),
    ),
    Metric(
        "weighted_recall",
        "Recall (weighted)",
        "classes",
        True,
        0,
        1,
        lambda v: cm.weighted(cm.recall(v.confusion), v.confusion),
    ),
    Metric(
        "weighted_f1", "F1 (weighted)", "classes", True, 0, 1, lambda v: cm.weighted(cm.f1(v.confusion), v.confusion)
    ),
    Metric("macro_auroc", "AUROC (macro)", "classes", True, 0, 1, lambda v: mean_of_defined(class_aurocs(v))),
    Metric("melanoma_recall", "Melanoma recall", "classes", True, 0, 1, _melanoma_recall),
    Metric("malignant_auroc", "AUROC, malignant", "malignancy", True, 0, 1, lambda v: auroc(v.malignant_ranking)),
    Metric(
        "malignant_pauc",
        "pAUC above 80 % sensitivity, malignant",
        "malignancy",
        True,
        0,
        0.2,
        lambda v: partial_auroc(v.malignant_ranking, 0.8),
    ),
    Metric(
        "malignant_average_precision",
        "Average precision, malignant",
        "malignancy",
        True,
        0,
        1,
        lambda v: average_precision(v.malignant_ranking),
    ),
    Metric(
        "specificity_at_sensitivity_90",
        "Specificity at 90 % sensitivity",
        "malignancy",
        True,
        0,
        1,
        lambda v: specificity_at_sensitivity(v.malignant_ranking, 0.90),
    ),
    Metric(
        "specificity_at_sensitivity_95",
        "Specificity at 95 % sensitivity",
        "malignancy",
        True,
        0,
        1,
        lambda v: specificity_at_sensitivity(v.malignant_ranking, 0.95),
    ),
    Metric(
        "ece",
        "Expected calibration error",
        "probabilities",
        False,
        0,
        1,
        lambda v: expected_calibration_error(v.confidence, v.right, v.labelled_weights),
    ),
    Metric(
        "brier",
        "Brier score",
        "probabilities",
        False,
        0,
        2,
        lambda v: brier(v.probabilities, v.labels, v.labelled_weights),
    ),
    Metric(
        "nll",
        "Negative log-likelihood",
        "probabilities",
        False,
        0,
        None,
        lambda v: negative_log_likelihood(v.probabilities, v.labels, v.labelled_weights),
    ),
    Metric(
        "aurc",
        "Area under the risk-coverage curve",
        "probabilities",
        False,
        0,
        1,
        lambda v: area_under_risk_coverage(v.confidence, ~v.right, v.labelled_weights),
    ),
)

METRICS: Mapping[str, Metric] = {metric.name: metric for metric in _ALL}

PRIMARY: Mapping[Task, str] = {"diagnosis": "balanced_accuracy", "malignancy": "malignant_auroc"}
"""What a model of each task is first judged by. In a malignancy task the most probable class says little: at 2 %
malignant, everything is called benign."""
