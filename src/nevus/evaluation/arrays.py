"""The array types of the evaluation floor, and division where there may be nothing to divide by."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Bools: TypeAlias = NDArray[np.bool_]
Integers: TypeAlias = NDArray[np.int64]
Objects: TypeAlias = NDArray[np.object_]
Anything: TypeAlias = NDArray[Any]


def ratio(numerator: Anything, denominator: Anything) -> Floats:
    """numerator / denominator, elementwise; NaN where the denominator is 0, because there is no such share."""
    top, bottom = np.broadcast_arrays(np.asarray(numerator, np.float64), np.asarray(denominator, np.float64))
    shares: Floats = np.divide(top, bottom, out=np.full(top.shape, np.nan), where=bottom != 0)
    return shares


def mean_of_defined(values: Floats) -> Floats:
    """The mean over the last axis of what isn't NaN; NaN where nothing is defined."""
    defined = ~np.isnan(values)
    return ratio(np.where(defined, values, 0.0).sum(axis=-1), defined.sum(axis=-1))
