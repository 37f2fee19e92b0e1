"""The words that report and card share for figures, parts and dimensions; a missing figure says why."""

from __future__ import annotations

from nevus.evaluation.estimate import Estimate
from nevus.evaluation.results import EvaluationResults
from nevus.evaluation.subset_scores import Scores
from nevus.reporting.page.formats import format_interval, format_number, format_percent
from nevus.taxonomy import class_name

NOT_ASSESSED = "not assessed"
NBSP = "\u00a0"

SUBSETS = {
    "test": "One vote an image",
    "test_lesion": "One vote a lesion",
    "test_histology": "Histology only",
    "test_answered": "Without refused images",
}
"""The subsets that are results, in the order of reading. Validation is none: choices were made on it."""

DIMENSIONS = {
    "age_band": "Age",
    "sex": "Sex",
    "site": "Body site",
    "source": "Source",
    "confirmed_by": "Confirmed by",
    "skin_type": "Skin type",
}

PARTS = {"train": "Training", "validation": "Validation", "test": "Test"}

VERDICTS = {
    "low_suspicion": "low suspicion",
    "suspicious": "suspicious",
    "refer": "refer to a physician",
    "unusable": "unusable image",
}


def shown(estimate: Estimate | None, why: str = "", *, digits: int = 3) -> str:
    """A figure with its interval, `.762 (.731 to .790)`, or 'not assessed' with the reason."""
    if estimate is None or estimate.value is None:
        return f"{NOT_ASSESSED}: {why}" if why else NOT_ASSESSED
    if estimate.low is None or estimate.high is None:
        return f"{format_number(estimate.value, digits)} (no interval: too few cases)"
    return format_interval(estimate.value, estimate.low, estimate.high, digits)


def shown_percent(estimate: Estimate | None, why: str = "") -> str:
    """A share with its interval as per cent, `2.9 % (1.8 to 4.1)`, or 'not assessed' with the reason."""
    if estimate is None or estimate.value is None:
        return f"{NOT_ASSESSED}: {why}" if why else NOT_ASSESSED
    if estimate.low is None or estimate.high is None:
        return f"{percent(estimate.value)} (no interval)"
    return f"{percent(estimate.value)} ({estimate.low * 100:.1f} to {estimate.high * 100:.1f})"


def target_name(share: float | None) -> str:
    """The sensitivity that a threshold aims at, as people write it: `95 %`; `stated` where somebody chose a figure."""
    return "stated" if share is None else f"{share * 100:g}{NBSP}%"


def percent(share: float | None, digits: int = 1) -> str:
    """A share as per cent that doesn't break before its sign."""
    return format_percent(share, digits).replace(" %", f"{NBSP}%")


def diagnosis_name(code: str) -> str:
    """The name with its code: `Melanoma (mel)`; a class of the binary task is its own name."""
    name = class_name(code)
    return name if name.lower() == code.lower() else f"{name} ({code})"


def in_a_sentence(code: str) -> str:
    """The name as it stands in the middle of a sentence: `melanoma`, `actinic keratosis / Bowen's disease`."""
    name = class_name(code)
    return name[:1].lower() + name[1:]


def missing_reason(metric: str, results: EvaluationResults, scores: Scores | None) -> str:
    """Why a score has no value on a subset."""
    if scores is None:
        return "this subset wasn't evaluated"
    if metric.startswith("melanoma") and "mel" not in results.classes:
        return "melanoma isn't a class of its own"
    if metric not in scores.metrics:
        return "not among these results"
    if scores.n_malignant_groups == 0:
        return "no malignant case in it"
    return "too few cases to compute it"


def several(n: int, one: str, many: str | None = None) -> str:
    """A count with its noun: `1 rule`, `7 rules`, `1,498 images`."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def listed(items: list[str]) -> str:
    """`a, b and c`."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}" if items else ""
