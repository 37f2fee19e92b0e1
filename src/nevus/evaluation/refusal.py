"""When an image is too strange to be answered: the limit on the out-of-distribution score, and how often it refuses."""

from __future__ import annotations

import numpy as np

from nevus.evaluation.arrays import Anything, Bools, Floats, ratio
from nevus.evaluation.errors import EvaluationError
from nevus.evaluation.interval import bootstrap_estimates
from nevus.evaluation.order_threshold import halfway_down, highest_threshold
from nevus.evaluation.predictions import Predictions, n_groups
from nevus.evaluation.results import Bootstrap, RefusalRates, Refusals


def choose_refusal_limit(
    ood_scores: Floats,
    groups: Anything,
    malignant: Bools,
    *,
    max_share: float = 0.03,
    max_malignant_share: float = 0.05,
) -> float:
    """The lowest limit that refuses at most so many lesions, and so many malignant ones; refused is score > limit.

    A group (patient, else lesion) counts as refused when any image of it is; the shares hold for images as well. Both
    are held with one in hand (`highest_threshold`), which makes them true of new lesions on average; half of all new
    test parts will still lie a little above, so whoever promises a share chooses on a smaller one.

    Args:
        ood_scores: [N] on validation, higher is stranger.
        groups: [N].
        malignant: truth [N].
        max_share: of all groups, and of all images.
        max_malignant_share: of groups that hold a malignant image, and of malignant images.

    Raises:
        EvaluationError: no scores, or scores that aren't numbers.
    """
    if len(ood_scores) == 0 or not np.isfinite(ood_scores).all():
        raise EvaluationError(
            "the out-of-distribution scores of validation are empty or not finite; no limit can be set."
        )
    limits = [_limit(ood_scores, groups, max_share)]
    if malignant.any():
        limits.append(_limit(ood_scores[malignant], groups[malignant], max_malignant_share))
    return -halfway_down(-max(limits), -ood_scores)


def _limit(scores: Floats, groups: Anything, max_share: float) -> float:
    """The lowest score that at most `max_share` of images, and of groups by their strangest image, exceed."""
    _, index = np.unique(groups, return_inverse=True)
    strangest = np.full(int(index.max()) + 1, -np.inf)
    np.maximum.at(strangest, index, scores)
    return max(-highest_threshold(-scores, 1 - max_share), -highest_threshold(-strangest, 1 - max_share))


def refusal_rates(predictions: Predictions, bootstrap: Bootstrap) -> RefusalRates:
    """The shares of these images, and of their groups, that are refused or marked as too close to call."""
    n = len(predictions)
    nothing = np.zeros(n, np.bool_)
    flags = {
        "out_of_distribution": predictions.out_of_distribution,
        "unusable": predictions.unusable,
        "near_threshold": predictions.near_threshold,
        "any": predictions.refused,
    }
    masks = {name: (nothing if flag is None else flag).astype(np.float64) for name, flag in flags.items()}
    # One row of each group speaks for it, so that a group weighs as often as it is drawn.
    _, first, index = np.unique(predictions.groups, return_index=True, return_inverse=True)
    speaks = np.zeros(n)
    speaks[first] = 1.0
    strange_group = np.bincount(index, weights=masks["out_of_distribution"], minlength=len(first))[index] > 0

    def statistics(weights: Floats) -> dict[str, Floats]:
        shares = {name: ratio(weights @ mask, weights.sum(axis=-1)) for name, mask in masks.items()}
        return shares | {"groups_out_of_distribution": ratio(weights @ (speaks * strange_group), weights @ speaks)}

    support = dict.fromkeys((*masks, "groups_out_of_distribution"), n_groups(predictions.groups))
    found = bootstrap_estimates(statistics, predictions.groups, bootstrap, support=support)
    return RefusalRates(n_images=n, n_groups=len(first), **found)


def evaluate_refusals(predictions: Predictions, ood_limit: float | None, bootstrap: Bootstrap) -> Refusals:
    """Refusal overall, of malignant images, by source and by true class."""
    by_source, by_class = {}, {}
    sources = predictions.columns.get("source")
    if sources is not None:
        for source in sorted({str(s) for s in sources.tolist() if s is not None}):
            by_source[source] = refusal_rates(predictions.take(sources == source), bootstrap)
    for i, code in enumerate(predictions.classes):
        rows = predictions.labels == i
        if rows.any():
            by_class[code] = refusal_rates(predictions.take(rows), bootstrap)
    return Refusals(
        ood_limit=ood_limit,
        overall=refusal_rates(predictions, bootstrap),
        malignant=refusal_rates(predictions.take(predictions.malignant), bootstrap),
        by_source=by_source,
        by_class=by_class,
    )
