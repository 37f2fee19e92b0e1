"""Two models on the same images: the difference of their scores, with a paired interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from pydantic import Field

from nevus.errors import InputError
from nevus.evaluation.arrays import Floats
from nevus.evaluation.estimate import Estimate
from nevus.evaluation.interval import bootstrap_estimates
from nevus.evaluation.metrics import METRICS
from nevus.evaluation.operating_points import shares_at
from nevus.evaluation.predictions import Predictions
from nevus.evaluation.results import Bootstrap
from nevus.evaluation.weighted_view import WeightedView
from nevus.settings import Section

_SHARES = {"sensitivity": "malignant_sensitivity", "specificity": "malignant_specificity"}
"""What is compared at each one's own operating point: the name there, and here."""


class ComparisonError(InputError):
    """Two models' predictions can't be compared: other images, other truth."""


class Difference(Section):
    """One score of both models, and candidate minus champion with its paired interval."""

    candidate: float | None
    champion: float | None
    difference: Estimate


class Comparison(Section):
    """A candidate against the champion on one subset: name of the metric -> difference."""

    candidate: str
    champion: str
    subset: str
    n_images: int
    n_groups: int
    class_groups: dict[str, int] = Field(default_factory=dict)
    """Groups by true class; a class without an image is there with 0."""
    bootstrap: Bootstrap
    metrics: dict[str, Difference]


def compare(
    candidate: Predictions,
    champion: Predictions,
    *,
    names: tuple[str, str] = ("candidate", "champion"),
    subset: str = "test",
    metrics: Sequence[str] = tuple(METRICS),
    bootstrap: Bootstrap | None = None,
) -> Comparison:
    """Compare two models on the same labelled images, in any order of rows.

    Both are scored in each resample of groups, and the interval is that of the difference (paired bootstrap): what
    makes a lesion hard for both cancels out, so that it is far narrower than the two intervals side by side suggest.

    Raises:
        ComparisonError: the two weren't run on the same images, or their truth, groups or classes differ.
    """
    aligned = _align(candidate, champion)
    resampling = bootstrap or Bootstrap()
    chosen = tuple(metrics)
    found = bootstrap_estimates(
        lambda weights: {
            name: ours - theirs
            for (name, ours), theirs in zip(
                _figures(candidate, chosen, weights).items(),
                _figures(aligned, chosen, weights).values(),
                strict=True,
            )
        },
        candidate.groups,
        resampling,
    )
    once = np.ones(len(candidate))
    own, other = (_figures(model, chosen, once) for model in (candidate, aligned))
    return Comparison(
        candidate=names[0],
        champion=names[1],
        subset=subset,
        n_images=len(candidate),
        n_groups=len(set(candidate.groups.tolist())),
        class_groups={
            name: len(set(candidate.groups[candidate.labels == i].tolist())) for i, name in enumerate(candidate.classes)
        },
        bootstrap=resampling,
        metrics={
            name: Difference(
                candidate=Estimate.of(float(own[name])).value,
                champion=Estimate.of(float(other[name])).value,
                difference=found[name],
            )
            for name in chosen
        },
    )


def compare_at_thresholds(
    candidate: Predictions,
    champion: Predictions,
    thresholds: tuple[float, float],
    *,
    bootstrap: Bootstrap | None = None,
) -> dict[str, Difference]:
    """`malignant_sensitivity` and `malignant_specificity` of both, each at its own threshold, with paired intervals.

    Args:
        candidate, champion: on the same images in the same order, with the same truth and groups.
        thresholds: on the malignant probability, the candidate's and the champion's.
        bootstrap: as for `compare`.
    """

    def both(weights: Floats) -> tuple[Mapping[str, Floats], Mapping[str, Floats]]:
        return shares_at(candidate, thresholds[0], weights), shares_at(champion, thresholds[1], weights)

    def differences(weights: Floats) -> dict[str, Floats]:
        ours, theirs = both(weights)
        return {name: ours[name] - theirs[name] for name in _SHARES}

    found = bootstrap_estimates(differences, candidate.groups, bootstrap or Bootstrap())
    ours, theirs = both(np.ones(len(candidate)))
    return {
        title: Difference(
            candidate=Estimate.of(float(ours[name])).value,
            champion=Estimate.of(float(theirs[name])).value,
            difference=found[name],
        )
        for name, title in _SHARES.items()
    }


def _figures(predictions: Predictions, metrics: Sequence[str], weights: Floats) -> dict[str, Floats]:
    view = WeightedView(predictions, weights)
    return {name: METRICS[name].compute(view) for name in metrics}


def _align(candidate: Predictions, champion: Predictions) -> Predictions:
    """The champion's rows in the candidate's order."""
    places = {image: i for i, image in enumerate(champion.ids.tolist())}
    missing = [image for image in candidate.ids.tolist() if image not in places]
    if missing or len(candidate) != len(champion):
        shown = f", {missing[0]} for one" if missing else ""
        raise ComparisonError(
            f"the two models were run on different images ({len(candidate)} and {len(champion)}; {len(missing)} of the "
            f"candidate's are not among the champion's{shown}). Run both on the same test part."
        )
    aligned = champion.take(np.array([places[image] for image in candidate.ids.tolist()], dtype=np.int64))
    if candidate.classes != champion.classes:
        raise ComparisonError(
            f"the two models know different classes ({', '.join(candidate.classes)} and "
            f"{', '.join(champion.classes)}); their scores are not of the same question."
        )
    for what in ("labels", "malignant", "groups"):
        differs = np.flatnonzero(np.asarray(getattr(candidate, what) != getattr(aligned, what)))
        if len(differs):
            raise ComparisonError(
                f"the two models were judged by different {what}: {candidate.ids[int(differs[0])]} is one of "
                f"{len(differs)}. Evaluate both on the same manifest and split."
            )
    return aligned
