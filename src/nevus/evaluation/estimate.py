"""A figure with its interval, the way every result of nevus states one."""

from __future__ import annotations

import math

from nevus.settings import Section


class Estimate(Section):
    """A figure with its interval (95 % unless the results' `bootstrap.level` says otherwise); null: can't be computed.

    `low` and `high` are null too where the figure stands but the data can't support an interval.
    """

    value: float | None
    low: float | None = None
    high: float | None = None

    @classmethod
    def of(cls, value: float, low: float = math.nan, high: float = math.nan) -> Estimate:
        """From plain floats, in which NaN (or an infinity) means that there is no such figure."""
        if not math.isfinite(value):
            return cls(value=None)
        return cls(value=value, low=_finite(low), high=_finite(high))


def _finite(number: float) -> float | None:
    return float(number) if math.isfinite(number) else None
