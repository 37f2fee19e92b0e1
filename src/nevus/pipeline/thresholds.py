"""Everything that is fixed on validation before the test part is opened: temperature, thresholds, limits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from nevus.bundle.schema import BundleManifest, PredictionSetSpec, RefusalLimits
from nevus.evaluation.calibration import describe_calibration, fit_temperature, softmax
from nevus.evaluation.operating_points import choose_operating_points, operating_point_name
from nevus.evaluation.prediction_sets import choose_set_threshold
from nevus.evaluation.refusal import choose_refusal_limit
from nevus.evaluation.results import Bootstrap, Calibration
from nevus.evaluation.settings import EvaluationSettings
from nevus.pipeline.quality_limits import choose_quality_limits
from nevus.pipeline.scoring import as_predictions, logits_of
from nevus.training.targets import Targets


@dataclass(frozen=True)
class Fixed:
    """What validation fixed: the bundle's manifest with it, and what the temperature did."""

    manifest: BundleManifest
    calibration: Calibration


def fix_on_validation(
    draft: BundleManifest, validation: pl.DataFrame, targets: Targets, settings: EvaluationSettings
) -> Fixed:
    """Choose temperature, operating points, the refusal limit, the band of close calls and the prediction sets.

    Args:
        draft: the manifest of the bundle that gave these predictions, at temperature 1.
        validation: its table of predictions on the validation part.
        targets: the classes.
        settings: the shares aimed at.
    """
    labelled = validation.filter(pl.col("label") >= 0)
    logits, labels = logits_of(labelled, targets.classes), labelled["label"].to_numpy().astype(np.int64)
    temperature = fit_temperature(logits, labels)
    scaled = softmax(logits_of(validation, targets.classes), temperature)
    tempered = validation.with_columns(pl.Series(f"p_{c}", scaled[:, i]) for i, c in enumerate(targets.classes))
    predictions = as_predictions(tempered, targets)
    bootstrap = Bootstrap(replicates=settings.replicates, seed=settings.seed)
    targets_asked = sorted({*settings.target_sensitivities, settings.default_sensitivity})
    points = choose_operating_points(predictions, targets_asked, bootstrap)
    default = operating_point_name(settings.default_sensitivity)
    threshold = next(p.threshold for p in points if p.name == default)
    limit = None
    if "ood_score" in draft.outputs and validation["ood_score"].n_unique() > 1:
        judged = validation.filter(pl.col("malignant").is_not_null())
        limit = choose_refusal_limit(
            judged["ood_score"].to_numpy(),
            predictions.groups,
            predictions.malignant,
            max_share=settings.max_refused,
            max_malignant_share=settings.max_refused_malignant,
        )
    manifest = draft.model_copy(
        update={
            "temperature": temperature,
            "operating_points": points,
            "default_operating_point": default,
            "refusal": RefusalLimits(
                ood_score=limit,
                near_threshold=_close_call(predictions.p_malignant, threshold, settings.near_threshold_share),
                quality=choose_quality_limits(validation, draft.refusal.quality),
            ),
            "prediction_set": PredictionSetSpec(
                coverage=settings.coverage, threshold=choose_set_threshold(predictions, settings.coverage)
            ),
        }
    )
    return Fixed(manifest, describe_calibration(logits, labels, temperature))


def _close_call(
    p_malignant: np.ndarray[tuple[int, ...], np.dtype[np.float64]], threshold: float, share: float
) -> float:
    """Half-width in log-odds round the threshold within which `share` of the images lie."""
    if share == 0:
        return 0.0
    clipped = np.clip(np.append(p_malignant, threshold), 1e-7, 1 - 1e-7)
    odds = np.log(clipped / (1 - clipped))
    return float(np.quantile(np.abs(odds[:-1] - odds[-1]), share))
