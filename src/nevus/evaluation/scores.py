"""All scores of one subset, each with its interval from the same resamples."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from nevus.evaluation import confusion as cm
from nevus.evaluation.arrays import Floats
from nevus.evaluation.curves import DIGITS, precision_recall_curve, roc_curve, thin
from nevus.evaluation.estimate import Estimate
from nevus.evaluation.interval import bootstrap_estimates
from nevus.evaluation.metrics import METRICS, class_aurocs
from nevus.evaluation.operating_points import evaluate_operating_point
from nevus.evaluation.prediction_sets import evaluate_prediction_sets
from nevus.evaluation.predictions import Predictions, n_groups
from nevus.evaluation.reliability import reliability_bins
from nevus.evaluation.results import Bootstrap, OperatingPoint
from nevus.evaluation.risk_coverage import risk_coverage_curve
from nevus.evaluation.subset_scores import ClassScores, ConfusionMatrix, RiskCoverage, Scores
from nevus.evaluation.weighted_view import WeightedView

PER_CLASS = ("precision", "recall", "f1", "auroc")


def score(
    predictions: Predictions,
    bootstrap: Bootstrap,
    *,
    operating_points: Sequence[OperatingPoint] = (),
    set_threshold: float | None = None,
    set_coverage: float = 0.95,
) -> Scores:
    """Score one subset, one vote a row.

    Args:
        predictions: the subset's votes.
        bootstrap: how intervals are made.
        operating_points: thresholds to check.
        set_threshold: of the prediction sets; without it they aren't judged.
        set_coverage: what the prediction sets were made for.
    """
    found = bootstrap_estimates(
        partial(_statistics, predictions), predictions.groups, bootstrap, support=_support(predictions)
    )
    view = WeightedView(predictions)
    return Scores(
        vote="image",
        n_images=len(predictions),
        n_votes=len(predictions),
        n_groups=n_groups(predictions.groups),
        n_malignant_groups=n_groups(predictions.groups[predictions.malignant]),
        metrics={name: found[name] for name in METRICS},
        per_class={code: _class_scores(view, i, found) for i, code in enumerate(predictions.classes)},
        confusion=ConfusionMatrix(
            classes=predictions.classes,
            counts=tuple(tuple(int(n) for n in row) for row in view.confusion),
        ),
        malignant_roc=roc_curve(view.malignant_ranking),
        malignant_precision_recall=precision_recall_curve(view.malignant_ranking),
        reliability=reliability_bins(view.confidence, view.right),
        malignant_reliability=reliability_bins(predictions.p_malignant, predictions.malignant),
        risk_coverage=_risk_coverage(view, found["aurc"]),
        operating_points=tuple(evaluate_operating_point(predictions, point, bootstrap) for point in operating_points),
        prediction_sets=None
        if set_threshold is None
        else evaluate_prediction_sets(predictions, set_threshold, set_coverage, bootstrap),
    )


def _statistics(predictions: Predictions, weights: Floats) -> dict[str, Floats]:
    view = WeightedView(predictions, weights)
    figures = {name: metric.compute(view) for name, metric in METRICS.items()}
    per_class = {
        "precision": cm.precision(view.confusion),
        "recall": cm.recall(view.confusion),
        "f1": cm.f1(view.confusion),
        "auroc": class_aurocs(view),
    }
    for i, code in enumerate(predictions.classes):
        figures |= {f"{code} {name}": values[..., i] for name, values in per_class.items()}
    return figures


def _support(predictions: Predictions) -> dict[str, int]:
    """How many groups each recall and precision rests on."""
    groups = predictions.groups
    found = {}
    for i, code in enumerate(predictions.classes):
        found[f"{code} recall"] = n_groups(groups[predictions.labels == i])
        found[f"{code} precision"] = n_groups(groups[predictions.labelled & (predictions.calls == i)])
    if "mel recall" in found:
        found["melanoma_recall"] = found["mel recall"]
    return found | {"accuracy": n_groups(groups[predictions.labelled])}


def _class_scores(view: WeightedView, index: int, found: dict[str, Estimate]) -> ClassScores:
    predictions, code = view.predictions, view.predictions.classes[index]
    rows = predictions.labels == index
    return ClassScores(
        n_votes=int(rows.sum()),
        n_groups=n_groups(predictions.groups[rows]),
        roc=roc_curve(view.class_ranking(index)),
        **{name: found[f"{code} {name}"] for name in PER_CLASS},
    )


def _risk_coverage(view: WeightedView, aurc: Estimate) -> RiskCoverage:
    if not len(view.labels):
        return RiskCoverage(coverage=(), risk=(), aurc=aurc)
    coverage, risk = risk_coverage_curve(view.confidence, np.asarray(~view.right))
    kept = thin(coverage, risk)
    return RiskCoverage(
        coverage=tuple(coverage[kept].round(DIGITS).tolist()), risk=tuple(risk[kept].round(DIGITS).tolist()), aurc=aurc
    )
