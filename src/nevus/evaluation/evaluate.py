"""The whole evaluation of one model: from predictions on validation and test to the contents of `metrics.json`."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import numpy as np

from nevus.evaluation.aggregate import one_vote_a_lesion
from nevus.evaluation.errors import EvaluationError
from nevus.evaluation.metrics import PRIMARY
from nevus.evaluation.predictions import Predictions
from nevus.evaluation.refusal import evaluate_refusals
from nevus.evaluation.results import (
    TEST,
    TEST_ANSWERED,
    TEST_HISTOLOGY,
    TEST_LESION,
    VALIDATION,
    Bootstrap,
    Calibration,
    EvaluationResults,
    OperatingPoint,
    PartSize,
    Provenance,
)
from nevus.evaluation.scores import score
from nevus.evaluation.subgroups import evaluate_subgroups
from nevus.evaluation.subset_scores import Scores


def evaluate(
    test: Predictions,
    *,
    validation: Predictions | None = None,
    operating_points: Sequence[OperatingPoint] = (),
    default_operating_point: str | None = None,
    set_threshold: float | None = None,
    set_coverage: float = 0.95,
    ood_limit: float | None = None,
    calibration: Calibration | None = None,
    bootstrap: Bootstrap | None = None,
    sizes: Mapping[str, PartSize] | None = None,
    test_openings: int | None = None,
    provenance: Provenance | None = None,
) -> EvaluationResults:
    """Judge a model by its predictions, at the thresholds it ships with. Nothing is fitted here.

    The subset `test` counts every image, refused ones too, by the probabilities that the graph gave for it; refusal is
    reported beside it, and `test_answered` without the refused. So no figure improves by refusing more.

    Args:
        test: predictions on the test part, by the bundle that ships.
        validation: the same on validation; scored as the subset `validation`.
        operating_points: as chosen on validation (`choose_operating_points`).
        default_operating_point: the name of the one that subgroups are judged at; the first if not given.
        set_threshold: of the prediction sets (`choose_set_threshold`).
        set_coverage: what they were made for.
        ood_limit: the limit that `out_of_distribution` was decided by; only reported.
        calibration: what the temperature did (`describe_calibration`); only reported.
        bootstrap: replicates, seed and level of the intervals.
        sizes: part of the split -> its size; only reported.
        test_openings: how often the test part has been opened; only reported.
        provenance: what was evaluated; only reported.

    Raises:
        EvaluationError: no images; an operating point of that name isn't there; a lesion with two labels.
    """
    if len(test) == 0:
        raise EvaluationError("the test part holds no images; nothing can be evaluated.")
    started = time.perf_counter()
    resampling = bootstrap or Bootstrap()
    default = _default_point(operating_points, default_operating_point)

    def scores(rows: Predictions) -> Scores:
        return score(
            rows,
            resampling,
            operating_points=operating_points,
            set_threshold=set_threshold,
            set_coverage=set_coverage,
        )

    lesions = one_vote_a_lesion(test)
    subsets = {
        TEST: scores(test),
        TEST_LESION: scores(lesions).model_copy(update={"vote": "lesion", "n_images": len(test)}),
    }
    confirmed_by = test.columns.get("confirmed_by")
    if confirmed_by is not None and (histology := np.asarray(confirmed_by == "histology")).any():
        subsets[TEST_HISTOLOGY] = scores(test.take(histology))
    if test.refused.any() and not test.refused.all():
        subsets[TEST_ANSWERED] = scores(test.take(~test.refused))
    if validation is not None and len(validation):
        subsets[VALIDATION] = scores(validation)
    subgroups = evaluate_subgroups(test, default, resampling)
    return EvaluationResults(
        task=test.task,
        classes=test.classes,
        malignant=test.malignant_classes,
        primary_metric=PRIMARY[test.task],
        bootstrap=resampling,
        operating_points=tuple(operating_points),
        default_operating_point=default.name if default else None,
        subsets=subsets,
        subgroups=subgroups,
        refusals=evaluate_refusals(test, ood_limit, resampling),
        calibration=calibration,
        sizes=dict(sizes or {}),
        test_openings=test_openings,
        provenance=provenance or Provenance(),
        seconds=round(time.perf_counter() - started, 3),
    )


def _default_point(points: Sequence[OperatingPoint], name: str | None) -> OperatingPoint | None:
    if name is None:
        return points[0] if points else None
    for point in points:
        if point.name == name:
            return point
    raise EvaluationError(
        f"there is no operating point {name!r}; there are {', '.join(p.name for p in points) or 'none'}."
    )
