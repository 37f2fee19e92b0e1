"""The verdict on an image and its reasons: two closed lists, and the pure function between them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from nevus.bundle.schema import BundleManifest
from nevus.evaluation.results import OperatingPoint
from nevus.imaging.quality import QualityReason

Verdict = Literal["low_suspicion", "suspicious", "refer", "unusable"]
Reason = (
    QualityReason
    | Literal[
        "above_operating_point",
        "near_threshold",
        "out_of_distribution",
        "no_operating_point",
        "metadata_missing",
    ]
)

VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
REASONS: tuple[Reason, ...] = (*get_args(QualityReason), *get_args(get_args(Reason)[1]))

NOTICE = "Decision support, not a diagnosis: a physician decides."

_EPSILON = 1e-7


@dataclass(frozen=True)
class Judgement:
    """A verdict with its reasons."""

    verdict: Verdict
    reasons: tuple[Reason, ...] = ()

    @property
    def reliable(self) -> bool:
        """Whether the probabilities may be relied on; not where the model refuses or refers."""
        return self.verdict in ("low_suspicion", "suspicious")


def judge(
    manifest: BundleManifest,
    *,
    p_malignant: float | None,
    ood_score: float | None,
    quality: Sequence[QualityReason] = (),
    metadata_known: bool = False,
) -> Judgement:
    """Judge one image.

    `unusable` for its quality; else `refer` where it is unlike the training data, too close to the operating point,
    or the model has no operating point; else `suspicious` from the operating point's threshold on, and
    `low_suspicion` below it.

    Args:
        manifest: limits and operating points.
        p_malignant: sum over the malignant classes, 0..1; None is allowed for an unusable image only.
        ood_score: None where the graph has none. NaN counts as out of distribution.
        quality: from `quality_reasons`.
        metadata_known: whether any of age, sex and site was given; a model that uses them says so if not.
    """
    hint: tuple[Reason, ...] = ("metadata_missing",) if manifest.metadata is not None and not metadata_known else ()
    if quality:
        return Judgement("unusable", (*quality, *hint))
    if p_malignant is None:
        raise ValueError("a usable image needs its malignant probability")
    point = default_operating_point(manifest)
    reasons: list[Reason] = []
    limit = manifest.refusal.ood_score
    if limit is not None and ood_score is not None and not ood_score <= limit:
        reasons.append("out_of_distribution")
    if point is None:
        reasons.append("no_operating_point")
    elif abs(log_odds(p_malignant) - log_odds(point.threshold)) < manifest.refusal.near_threshold:
        reasons.append("near_threshold")
    if reasons:
        return Judgement("refer", (*reasons, *hint))
    if point is not None and p_malignant >= point.threshold:
        return Judgement("suspicious", ("above_operating_point", *hint))
    return Judgement("low_suspicion", hint)


def default_operating_point(manifest: BundleManifest) -> OperatingPoint | None:
    """The operating point that verdicts use: the one named as default, else the first; None where there is none."""
    points = {point.name: point for point in manifest.operating_points}
    if manifest.default_operating_point is not None:
        return points.get(manifest.default_operating_point)
    return manifest.operating_points[0] if manifest.operating_points else None


def log_odds(p: float) -> float:
    """log(p / (1 - p)), with p kept 1e-7 away from 0 and 1."""
    p = min(max(p, _EPSILON), 1 - _EPSILON)
    return math.log(p / (1 - p))
