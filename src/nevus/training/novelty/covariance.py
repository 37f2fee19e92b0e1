"""A covariance that can be inverted however few the images are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def shrunk_covariance(x: Floats) -> Floats:
    """Ledoit-Wolf covariance [F,F] of centred rows [n,F] (J. Multivariate Analysis 88, 2004).

    (1 - s) S + s (trace S / F) I, with the s that minimises the expected squared error.
    """
    n, width = x.shape
    sample = x.T @ x / n
    level = np.trace(sample) / width
    distance = np.square(sample).sum() - width * level**2
    square = np.square(x)
    error = (np.square(square.sum(1)).sum() / n - np.square(sample).sum()) / n
    share = 1.0 if distance <= 0 else min(error / distance, 1.0)
    return np.asarray((1 - share) * sample + share * level * np.eye(width))


def whitening(x: Floats) -> Floats:
    """[F,F] such that rows `x @ result.T` have about unit covariance, from the shrunk covariance of centred rows."""
    values, vectors = np.linalg.eigh(shrunk_covariance(x))
    return np.asarray((vectors / np.sqrt(np.maximum(values, 1e-9 * values[-1] + 1e-12))).T)
