"""The validation metrics of an epoch: the same pure functions that judge the bundle later."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from nevus.evaluation.calibration import softmax
from nevus.evaluation.metrics import METRICS
from nevus.evaluation.predictions import Predictions
from nevus.evaluation.weighted_view import WeightedView
from nevus.training.targets import Targets

WATCHED = (
    "balanced_accuracy",
    "accuracy",
    "macro_f1",
    "macro_auroc",
    "malignant_auroc",
    "malignant_pauc",
    "specificity_at_sensitivity_90",
    "specificity_at_sensitivity_95",
    "melanoma_recall",
    "malignant_sensitivity",
    "nll",
)
"""`malignant_sensitivity` is the share of malignant images whose malignant probability is at least a half: what there
is before operating points are fixed, and what stands for `melanoma_recall` where melanoma is no class."""
HIGHER_IS_BETTER: Mapping[str, bool] = {
    name: METRICS[name].higher_is_better if name in METRICS else True for name in WATCHED
}
"""The metrics that early stopping and the choice of the best epoch may watch, and which way is better."""


def validation_scores(
    logits: NDArray[np.float32], labels: NDArray[np.int64], groups: tuple[str, ...], targets: Targets
) -> dict[str, float]:
    """Every watched metric of logits [N,C]; NaN where the data don't allow it."""
    names = np.array([*targets.classes, None], dtype=object)
    predictions = Predictions(
        task=targets.task,
        classes=targets.classes,
        malignant_classes=targets.malignant,
        ids=np.arange(len(labels)).astype(object),
        probabilities=softmax(logits.astype(np.float64)),
        labels=labels,
        malignant=targets.malignant_mask[labels],
        groups=np.array(groups, dtype=object),
        lesions=np.array(groups, dtype=object),
        diagnoses=names[labels],
    )
    view = WeightedView(predictions)
    computed = {name: _number(METRICS[name].compute(view)) for name in WATCHED if name in METRICS}
    found = predictions.p_malignant[predictions.malignant] >= 0.5
    computed["malignant_sensitivity"] = float(found.mean()) if len(found) else math.nan
    return {name: computed[name] for name in WATCHED}


def _number(value: object) -> float:
    number = float(np.asarray(value).item())
    return number if math.isfinite(number) else math.nan
