"""Matching: which keypoints of two images look alike."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nevus.data.duplicates.keypoints import Keypoints

_RATIO = 0.95
"""The nearest must be this much nearer than the second nearest. Loose: geometry does the sifting."""
_ROUNDING = 1e-5
"""Some twenty times that of the cosines, as the ratio takes a tenth of it; equal descriptors would else be told apart
by how the processor happens to add."""


def match_keypoints(a: Keypoints, b: Keypoints) -> NDArray[np.int64]:
    """Mutual nearest neighbours among the descriptors, where the nearest of b stands out from the second nearest.

    Returns:
        Rows of a and of b, [M, 2], in the order of a.
    """
    if len(a) < 2 or len(b) < 2:
        return np.zeros((0, 2), np.int64)
    alike = _unit(a.descriptors) @ _unit(b.descriptors).T
    nearest = alike.argmax(axis=1)
    rows = np.arange(len(a))
    best = alike[rows, nearest]
    mutual = alike.argmax(axis=0)[nearest] == rows
    alike[rows, nearest] = -1
    second = alike.max(axis=1)
    # Squared distance of unit vectors: 2 - 2 cos.
    distinct = 1 - best + _ROUNDING < _RATIO**2 * (1 - second + _ROUNDING)
    kept = np.flatnonzero(mutual & distinct)
    return np.stack([kept, nearest[kept]], axis=1).astype(np.int64)


def _unit(descriptors: NDArray[np.uint8]) -> NDArray[np.float32]:
    values = descriptors.astype(np.float32)
    unit: NDArray[np.float32] = values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-6)
    return unit
