"""Whether there are enough patients or lesions to state an interval: resampling a handful knows no uncertainty."""

from __future__ import annotations

from nevus.evaluation.predictions import Predictions, n_groups
from nevus.evaluation.subgroups import MIN_BENIGN_GROUPS, MIN_GROUPS, MIN_MALIGNANT_GROUPS

_OF_THE_MALIGNANT = ("malignant_auroc", "malignant_sensitivity")
_OF_THE_BENIGN = ("malignant_auroc", "malignant_specificity")


def too_few(rows: Predictions, figure: str) -> str | None:
    """What a figure's interval lacks on these rows, by the floors of subgroups; None where nothing.

    From one group every resample is the same, so that its interval has no width and claims certainty.
    """
    kinds = (
        ("malignant ", rows.groups[rows.malignant], MIN_MALIGNANT_GROUPS, figure in _OF_THE_MALIGNANT),
        ("benign ", rows.groups[~rows.malignant], MIN_BENIGN_GROUPS, figure in _OF_THE_BENIGN),
        ("", rows.groups[rows.labelled], MIN_GROUPS, not figure.startswith("malignant_")),
    )
    lacking = [
        f"{n_groups(groups)} of the {needed} {kind}patients or lesions needed"
        for kind, groups, needed, counts in kinds
        if counts and n_groups(groups) < needed
    ]
    return f"too few: {', '.join(lacking)}" if lacking else None
