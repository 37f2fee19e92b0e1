"""The scores by age, sex, site, source and confirmation, and where a subgroup is too small to judge."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from itertools import pairwise

import numpy as np

from nevus.evaluation.arrays import Anything, Floats, Objects
from nevus.evaluation.confusion import balanced_accuracy
from nevus.evaluation.interval import bootstrap_estimates
from nevus.evaluation.operating_points import share_support, shares_at
from nevus.evaluation.predictions import Predictions, n_groups
from nevus.evaluation.ranking import auroc
from nevus.evaluation.results import Bootstrap, OperatingPoint, SubgroupScores
from nevus.evaluation.weighted_view import WeightedView

UNKNOWN = "unknown"
AGE_EDGES = (30, 45, 60, 75)
MIN_MALIGNANT_GROUPS = 30
"""Malignant patients or lesions needed to judge a sensitivity: with 30, one at .90 is known to about +-.11."""
MIN_BENIGN_GROUPS = 10
"""Benign ones needed to judge a specificity, and an AUROC."""
MIN_GROUPS = 30
"""Patients or lesions of any kind needed to judge the balanced accuracy."""


def age_bands(ages: Objects) -> Objects:
    """`<30`, `30-44`, `45-59`, `60-74`, `75+`, or `unknown` for None and NaN; ages in years [N]."""
    names = [f"<{AGE_EDGES[0]}"]
    names += [f"{low}-{high - 1}" for low, high in pairwise(AGE_EDGES)]
    names += [f"{AGE_EDGES[-1]}+"]

    def band(age: object) -> str:
        if not isinstance(age, (int, float, np.number)) or math.isnan(float(age)):
            return UNKNOWN
        return names[int(np.searchsorted(AGE_EDGES, float(age), side="right"))]

    return _objects([band(age) for age in ages.tolist()])


def subgroup_columns(columns: Mapping[str, Objects]) -> dict[str, Objects]:
    """The dimensions of subgroups from raw columns: `age` becomes `age_band`; what is missing becomes `unknown`.

    A dimension of which nothing is known is left out.
    """
    found = {}
    for name, values in columns.items():
        if name == "age":
            found["age_band"] = age_bands(values)
        else:
            found[name] = _objects([UNKNOWN if _missing(value) else str(value) for value in values.tolist()])
    return {name: levels for name, levels in found.items() if set(levels.tolist()) != {UNKNOWN}}


def evaluate_subgroups(
    predictions: Predictions, point: OperatingPoint | None, bootstrap: Bootstrap
) -> dict[str, tuple[SubgroupScores, ...]]:
    """Dimension -> its levels, in the order of age or of the alphabet, `unknown` last."""
    return {
        dimension: tuple(
            _level(level, predictions.take(levels == level), point, bootstrap)
            for level in sorted(set(levels.tolist()), key=_order)
        )
        for dimension, levels in subgroup_columns(predictions.columns).items()
    }


def _level(level: str, rows: Predictions, point: OperatingPoint | None, bootstrap: Bootstrap) -> SubgroupScores:
    malignant, benign = n_groups(rows.groups[rows.malignant]), n_groups(rows.groups[~rows.malignant])
    enough_malignant, enough_benign = malignant >= MIN_MALIGNANT_GROUPS, benign >= MIN_BENIGN_GROUPS
    judged = {
        "balanced_accuracy": malignant + benign >= MIN_GROUPS,
        "malignant_auroc": enough_malignant and enough_benign,
        "malignant_sensitivity": enough_malignant and point is not None,
        "malignant_specificity": enough_benign and point is not None,
    }
    found = bootstrap_estimates(
        partial(_statistics, rows, point), rows.groups, bootstrap, support=_support(rows, point)
    )
    lacking = [] if enough_malignant else [f"{malignant} malignant groups of the {MIN_MALIGNANT_GROUPS} needed"]
    lacking += [] if enough_benign else [f"{benign} benign groups of the {MIN_BENIGN_GROUPS} needed"]
    return SubgroupScores(
        level=level,
        n_images=len(rows),
        n_groups=n_groups(rows.groups),
        n_malignant_groups=malignant,
        n_benign_groups=benign,
        status="too_small" if lacking else "ok",
        reason=", ".join(lacking) or None,
        metrics={name: estimate for name, estimate in found.items() if judged[name]},
    )


def _statistics(rows: Predictions, point: OperatingPoint | None, weights: Floats) -> dict[str, Floats]:
    view = WeightedView(rows, weights)
    figures = {
        "balanced_accuracy": balanced_accuracy(view.confusion),
        "malignant_auroc": auroc(view.malignant_ranking),
    }
    if point is not None:
        shares = shares_at(rows, point.threshold, weights)
        figures |= {f"malignant_{name}": shares[name] for name in ("sensitivity", "specificity")}
    return figures


def _support(rows: Predictions, point: OperatingPoint | None) -> dict[str, int]:
    if point is None:
        return {}
    return {f"malignant_{name}": n for name, n in share_support(rows, point.threshold).items()}


def _order(level: str) -> tuple[bool, bool, str]:
    return (level == UNKNOWN, not level.startswith("<"), level)


def _missing(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _objects(values: list[str]) -> Anything:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array
