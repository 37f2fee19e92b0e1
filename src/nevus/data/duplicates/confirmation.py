"""Confirmation: the probability that two images show one lesion, from how their keypoints and pixels agree."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nevus.data.duplicates.appearance import Agreement, compare_aligned
from nevus.data.duplicates.geometry import Alignment, align
from nevus.data.duplicates.keypoints import Keypoints

WORTH_COMPARING = 4
"""Fewer independent inliers are what chance gives; such pairs aren't compared pixel by pixel."""
_INTERCEPT, _INDEPENDENT, _CORRELATION = -13.75, 2.51, 7.81
"""Log-odds of a logistic regression between pairs within lesions and random pairs across lesions of HAM10000, each kind
weighing the same; benchmarks/near_duplicates.py fits them anew. Linear in the inliers, because each further one is some
ten times rarer among unrelated pairs."""
PRIOR = math.log(1e-5)
"""Before one looks: the search sifts all pairs of a collection, of which perhaps one in 100,000 is a duplicate."""
ENOUGH = 30
"""Inliers that say no more than so many."""


@dataclass(frozen=True)
class Confirmation:
    """A pair with its geometry, its pixels' agreement and what follows from both."""

    alignment: Alignment
    agreement: Agreement
    probability: float


def best_alignment(a: Keypoints, b: Keypoints, mirrored: bool | None) -> Alignment | None:
    """The alignment with most independent inliers; with `mirrored` None both ways are tried."""
    ways = (False, True) if mirrored is None else (mirrored,)
    found = [alignment for way in ways if (alignment := align(a, b, mirrored=way)) is not None]
    return max(found, key=lambda alignment: alignment.independent, default=None)


def confirm(alignment: Alignment, a: NDArray[np.uint8], b: NDArray[np.uint8]) -> Confirmation:
    """Compare the pixels of an aligned pair, uint8 [H, W, 3] at the working size, and judge it."""
    agreement = compare_aligned(a, b, alignment.matrix)
    return Confirmation(alignment, agreement, probability(alignment.independent, agreement.correlation))


def probability(independent: int, correlation: float) -> float:
    """The logistic rule, 0 to 1."""
    evidence = PRIOR + _INTERCEPT + _INDEPENDENT * min(independent, ENOUGH) + _CORRELATION * correlation
    return 1 / (1 + math.exp(-evidence))
