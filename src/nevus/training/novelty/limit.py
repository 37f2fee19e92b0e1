"""The limit above which an image is refused."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nevus.errors import InputError


class LimitError(InputError):
    """No limit can be set."""


def choose_limit(
    scores: NDArray[np.floating],
    groups: NDArray[np.generic],
    malignant: NDArray[np.bool_],
    max_share: float = 0.015,
    max_malignant_share: float = 0.025,
) -> float:
    """The lowest limit that refuses at most these shares of the validation part's lesions and malignant lesions.

    An image is refused when its score is above the limit; a lesion counts by the share of its images refused, so that
    lesions with many images weigh no more than others.

    Args:
        scores: [n], higher = stranger.
        groups: [n], the lesion (or patient) of each image.
        malignant: bool [n].
        max_share: of all lesions.
        max_malignant_share: of malignant lesions; met trivially where there are none.

    Raises:
        LimitError: there are no scores, or they aren't finite.
    """
    if len(scores) == 0 or not np.isfinite(scores).all():
        raise LimitError(f"a refusal limit needs finite scores of validation images, and got {len(scores)} images.")
    values = scores.astype(np.float64)
    limit = _lowest(values, groups, max_share)
    if malignant.any():
        limit = max(limit, _lowest(values[malignant], groups[malignant], max_malignant_share))
    return limit


def _lowest(scores: NDArray[np.float64], groups: NDArray[np.generic], share: float) -> float:
    """The smallest score such that at most `share` of the groups' weight lies above it."""
    _, which, count = np.unique(groups, return_inverse=True, return_counts=True)
    weight = 1 / count[which] / len(count)
    values, first = np.unique(-scores, return_inverse=True)
    above = np.concatenate([[0.0], np.cumsum(np.bincount(first, weight))[:-1]])
    return float(-values[np.nonzero(above <= share + 1e-12)[0][-1]])
