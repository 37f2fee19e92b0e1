"""Two registered versions on the test images that both were measured on, with paired intervals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nevus.errors import InputError
from nevus.evaluation import Bootstrap, Comparison, compare, compare_at_thresholds
from nevus.evaluation.metrics import METRICS
from nevus.store.registry.prediction_tables import (
    Measured,
    all_classes,
    common_groups,
    malignancy_only,
    read_test_predictions,
)


class NothingSharedError(InputError):
    """No image is in the test part of both versions."""


@dataclass(frozen=True)
class VersionComparison:
    """The first version against the second; differences are first minus second.

    `scores.candidate` and `scores.champion` name the first and the second, whatever their states.
    """

    scores: Comparison
    notes: tuple[str, ...]


def compare_versions(
    first: Measured,
    second: Measured,
    *,
    metrics: Sequence[str] = ("balanced_accuracy", "malignant_auroc"),
    bootstrap: Bootstrap | None = None,
) -> VersionComparison:
    """Some metrics, and malignant sensitivity and specificity at the operating points, of both, and the differences.

    Models of different classes are compared only by those metrics that are of the malignant probability.

    Only images in the test part of both take part: an image that either has learnt from would flatter it. Groups
    (patient, else lesion) are resampled, both versions on the same draws. What either calls one group is one here: the
    names of groups change with the data, and so does what is found to belong together.

    Raises:
        NothingSharedError: the two test parts have no image in common.
        PredictionTableError: a version's predictions are absent or damaged.
        ComparisonError: an image's truth differs between the two.
    """
    own, other = read_test_predictions(first), read_test_predictions(second)
    shared = own.select("image_id").join(other.select("image_id"), on="image_id", how="inner").sort("image_id")
    if shared.is_empty():
        raise NothingSharedError(
            f"{first.ref} and {second.ref} share no test image ({own.height} and {other.height} of their own), so "
            "nothing can be compared. Evaluate both bundles on one test part that neither has learnt from."
        )
    notes = list(_notes(first, second, own.height, other.height, shared.height))
    own, other = (table.join(shared, on="image_id", how="semi").sort("image_id") for table in (own, other))
    groups = common_groups(own["group_id"].to_list(), other["group_id"].to_list())
    if first.classes == second.classes:
        a, b = all_classes(own, first, groups), all_classes(other, second, groups)
    else:
        a, b = malignancy_only(own, groups), malignancy_only(other, groups)
        metrics = [name for name in metrics if METRICS[name].of == "malignancy"]
    resampling = bootstrap or Bootstrap()
    scores = compare(a, b, names=(first.ref, second.ref), metrics=metrics, bootstrap=resampling)
    shares = {}
    if first.operating_threshold is not None and second.operating_threshold is not None:
        thresholds = first.operating_threshold, second.operating_threshold
        shares = compare_at_thresholds(a, b, thresholds, bootstrap=resampling)
    return VersionComparison(scores.model_copy(update={"metrics": {**scores.metrics, **shares}}), tuple(notes))


def _notes(first: Measured, second: Measured, own: int, other: int, shared: int) -> Iterator[str]:
    if shared < max(own, other):
        yield (
            f"compared on the {shared} test images that both were measured on, of {own} of {first.ref} and {other} of "
            f"{second.ref}."
        )
    if first.classes != second.classes:
        yield "the two know different classes, so only what they say of malignancy is compared."
    without = [v.ref for v in (first, second) if v.operating_threshold is None]
    if without:
        yield f"{' and '.join(without)} has no operating point, so sensitivity and specificity are not compared."
