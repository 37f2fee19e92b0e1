"""Champion and challenger compared: on the images that both have judged (shadow), and on their own shares (A/B)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Literal

import numpy as np

from nevus.api import Compared, Comparison, Estimate, SequentialTest
from nevus.evaluation import METRICS, NO_CLASS, Bootstrap, Difference, Predictions, compare, compare_at_thresholds
from nevus.evaluation.arrays import Floats
from nevus.evaluation.enough_groups import too_few
from nevus.evaluation.estimate import Estimate as EstimateWithInterval
from nevus.evaluation.interval import bootstrap_estimates
from nevus.evaluation.operating_points import shares_at
from nevus.evaluation.sequential import Duel, duel
from nevus.evaluation.weighted_view import WeightedView
from nevus.store import ModelVersion, Store
from nevus.store.predictions.compared import Answered, answered_by_arm, answered_in_pairs
from nevus.taxonomy import BENIGN_CLASS, BINARY_CLASSES, MALIGNANT_CLASS

ALPHA = 0.05
"""Chance of calling two equally good versions different, over all looks together."""
_STREAMS = 4
"""Bets at once: for and against the challenger, on malignant and on benign lesions."""
_COMPARED = ("balanced_accuracy", "malignant_auroc", "brier")

Pair = tuple[Answered, Answered]


@dataclass(frozen=True)
class Tested:
    """What the sequential test has seen, in each kind of lesions."""

    malignant: Duel
    benign: Duel

    @property
    def p_value(self) -> float:
        """Always-valid, for all four bets together."""
        best = max(self.malignant.better, self.malignant.worse, self.benign.better, self.benign.worse)
        return min(1.0, _STREAMS / best)


def compare_rollout(
    store: Store,
    champion: ModelVersion,
    challenger: ModelVersion,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    bootstrap: Bootstrap | None = None,
) -> Comparison:
    """How often the two agree; with labels, their scores with paired intervals, and which is better.

    Patients (else lesions, else images) are resampled, both versions on the same draws; where there are too few of
    them, a figure has no interval and says so. Pairs in which either image was unusable count for the agreement of
    verdicts only.
    """
    resampling = bootstrap or Bootstrap()
    pairs = answered_in_pairs(store, champion.bundle_digest, challenger.bundle_digest, start=start, end=end)
    usable = [pair for pair in pairs if all(one.p_malignant is not None for one in pair)]
    labelled = [pair for pair in usable if pair[0].malignant is not None]
    arms = (("champion", champion), ("challenger", challenger))
    return Comparison(
        champion=champion.ref,
        challenger=challenger.ref,
        pairs=len(pairs),
        agreement=_agreement(pairs, usable, champion, challenger),
        labelled=len(labelled),
        metrics=_metrics(labelled, champion, challenger, resampling) if labelled else {},
        sequential=sequential_test(labelled, champion, challenger),
        arms={
            arm: describe_arm(
                answered_by_arm(store, version.bundle_digest, arm, start=start, end=end), version, resampling
            )
            for arm, version in arms
        },
    )


def sequential_test(pairs: Sequence[Pair], champion: ModelVersion, challenger: ModelVersion) -> SequentialTest | None:
    """Which of the two is better at its own operating point; may be looked at after every label.

    Malignant and benign lesions are tested apart, so that being right about many moles can't outweigh missing
    melanomas. In each, a patient (else lesion, else image) counts once, for the first labelled pair of which exactly
    one version was right. The challenger is worse if it finds fewer malignant lesions, or suspects more benign ones
    and doesn't find more malignant; it is better if it is better on one kind and worse on none. Each of the four bets
    decides from e >= 4 / alpha on, so that all of them together are wrong with a chance of at most alpha.

    None where a version has no operating point.
    """
    tested = run_test(pairs, champion.operating_threshold, challenger.operating_threshold)
    if tested is None:
        return None
    duels = (tested.malignant, tested.benign)
    decision, explanation = decide(tested)
    return SequentialTest(
        statistic=float(sum(one.wins - one.losses for one in duels)),
        p_value=tested.p_value,
        e_value=1 / tested.p_value,
        decision=decision,
        explanation=explanation,
        alpha=ALPHA,
        strata={
            name: {
                "challenger_right": float(one.wins),
                "champion_right": float(one.losses),
                "e_better": one.better,
                "e_worse": one.worse,
            }
            for name, one in zip(("malignant", "benign"), duels, strict=True)
        },
    )


def run_test(pairs: Sequence[Pair], champion: float | None, challenger: float | None) -> Tested | None:
    """Bet on labelled pairs in the order of their labels; the thresholds are on the malignant probability."""
    if champion is None or challenger is None:
        return None
    outcomes: dict[bool, dict[str, bool]] = {True: {}, False: {}}
    for ours, theirs in sorted(pairs, key=lambda pair: (pair[0].labelled_at, pair[0].prediction_id)):
        truth = bool(ours.malignant)
        right = ((ours.p_malignant or 0.0) >= champion) is truth
        challenger_right = ((theirs.p_malignant or 0.0) >= challenger) is truth
        if right is not challenger_right:
            outcomes[truth].setdefault(ours.group, challenger_right)
    return Tested(duel(outcomes[True].values()), duel(outcomes[False].values()))


def decide(tested: Tested) -> tuple[Literal["continue", "challenger_better", "challenger_worse"], str]:
    """The decision and its reason in a sentence."""
    limit = _STREAMS / ALPHA
    if tested.malignant.worse >= limit:
        return "challenger_worse", "the challenger misses malignant lesions that the champion finds."
    if tested.malignant.better >= limit and tested.benign.worse >= limit:
        return "continue", (
            "the challenger finds more malignant lesions and suspects more benign ones: another operating point, which "
            "people must weigh, rather than a better model."
        )
    if tested.benign.worse >= limit:
        return "challenger_worse", "the challenger suspects benign lesions that the champion clears."
    if tested.malignant.better >= limit:
        return "challenger_better", "the challenger finds malignant lesions that the champion misses."
    if tested.benign.better >= limit:
        return "challenger_better", (
            "the challenger clears benign lesions that the champion suspects, and isn't shown to miss more malignant."
        )
    return "continue", "the labels so far don't tell the two apart."


def describe_arm(answers: Sequence[Answered], version: ModelVersion, bootstrap: Bootstrap) -> dict[str, Any]:
    """One arm of an A/B test on its own: how often it said what and, with labels, its scores with intervals."""
    verdicts = Counter(one.verdict for one in answers)
    labelled = [one for one in answers if one.malignant is not None and one.p_malignant is not None]
    return {
        "version": version.ref,
        "answered": len(answers),
        "patients": len({one.group for one in answers}),
        "verdicts": {verdict: count / len(answers) for verdict, count in sorted(verdicts.items())},
        "labelled": len(labelled),
        "metrics": _arm_metrics(labelled, version, bootstrap) if labelled else {},
    }


def _agreement(
    pairs: Sequence[Pair], usable: Sequence[Pair], champion: ModelVersion, challenger: ModelVersion
) -> dict[str, float | None]:
    found = {
        "verdict": _share([a.verdict == b.verdict for a, b in pairs]),
        "diagnosis": _share([a.diagnosis == b.diagnosis for a, b in usable]),
    }
    first, second = champion.operating_threshold, challenger.operating_threshold
    if first is not None and second is not None:
        calls = [((a.p_malignant or 0.0) >= first) == ((b.p_malignant or 0.0) >= second) for a, b in usable]
        found["suspicion"] = _share(calls)
    return found


def _share(agreed: Sequence[bool]) -> float | None:
    return sum(agreed) / len(agreed) if agreed else None


def _metrics(
    pairs: Sequence[Pair], champion: ModelVersion, challenger: ModelVersion, bootstrap: Bootstrap
) -> dict[str, Compared]:
    same = champion.classes == challenger.classes and champion.task == challenger.task
    ours, theirs = (
        _predictions([pair[place] for pair in pairs], version if same else None)
        for place, version in ((1, challenger), (0, champion))
    )
    names = [name for name in _COMPARED if same or METRICS[name].of == "malignancy"]
    found: dict[str, Difference] = dict(compare(ours, theirs, metrics=names, bootstrap=bootstrap).metrics)
    first, second = challenger.operating_threshold, champion.operating_threshold
    if first is not None and second is not None:
        found |= compare_at_thresholds(ours, theirs, (first, second), bootstrap=bootstrap)
    return {
        name: Compared(
            champion=one.champion,
            challenger=one.candidate,
            difference=_judged(ours, name, one.difference),
        )
        for name, one in found.items()
    }


def _arm_metrics(answers: Sequence[Answered], version: ModelVersion, bootstrap: Bootstrap) -> dict[str, Any]:
    predictions = _predictions(answers, version)
    statistics = partial(_figures, predictions, version.operating_threshold)
    found = bootstrap_estimates(statistics, predictions.groups, bootstrap)
    return {name: _judged(predictions, name, estimate).model_dump() for name, estimate in found.items()}


def _judged(rows: Predictions, name: str, found: EstimateWithInterval) -> Estimate:
    """The estimate without its interval, where too few patients or lesions carry that."""
    lacking = too_few(rows, name)
    if lacking is None:
        return Estimate.model_validate(found.model_dump())
    return Estimate(value=found.value, too_few=lacking)


def _figures(predictions: Predictions, threshold: float | None, weights: Floats) -> Mapping[str, Floats]:
    view = WeightedView(predictions, weights)
    found = {name: METRICS[name].compute(view) for name in _COMPARED}
    if threshold is not None:
        shares = shares_at(predictions, threshold, weights)
        found |= {f"malignant_{name}": shares[name] for name in ("sensitivity", "specificity")}
    return found


def _predictions(answers: Sequence[Answered], version: ModelVersion | None) -> Predictions:
    """As arrays: of the version's own classes, or without one of malignancy alone."""
    malignant = np.array([bool(one.malignant) for one in answers], np.bool_)
    p_malignant = np.array([one.p_malignant or 0.0 for one in answers], np.float64)
    classes, ill = (version.classes, version.malignant) if version else (BINARY_CLASSES, (MALIGNANT_CLASS,))
    if version is not None:
        probabilities = np.array([[(one.probabilities or {}).get(c, 0.0) for c in classes] for one in answers])
    else:
        probabilities = np.stack([1 - p_malignant, p_malignant], axis=1)
    truths = [one.truth for one in answers]
    if set(classes) == {BENIGN_CLASS, MALIGNANT_CLASS}:
        truths = [MALIGNANT_CLASS if one.malignant else BENIGN_CLASS for one in answers]
    labels = [classes.index(truth) if truth in classes else NO_CLASS for truth in truths]
    return Predictions(
        task="malignancy" if version is None or version.task == "malignancy" else "diagnosis",
        classes=tuple(classes),
        malignant_classes=tuple(ill),
        ids=_objects([one.image_hash for one in answers]),
        probabilities=probabilities.astype(np.float64),
        labels=np.array(labels, np.int64),
        malignant=malignant,
        groups=_objects([one.group for one in answers]),
        lesions=_objects([None] * len(answers)),
        diagnoses=_objects([one.truth for one in answers]),
    )


def _objects(values: Sequence[object]) -> Any:
    found = np.empty(len(values), object)
    found[:] = values
    return found
