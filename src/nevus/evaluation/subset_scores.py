"""Everything about one subset of images: scores with intervals, curves, confusion and operating points."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from nevus.evaluation.estimate import Estimate
from nevus.settings import Section

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Vote = Literal["image", "lesion"]


class OperatingPointResult(Section):
    """What one operating point does on one subset. Counts are votes; `melanoma_*` are the diagnosis `mel` alone."""

    name: str
    threshold: Share
    target_sensitivity: Share | None = None
    sensitivity: Estimate
    specificity: Estimate
    ppv: Estimate
    npv: Estimate
    melanoma_sensitivity: Estimate
    true_positives: int
    false_negatives: int
    false_positives: int
    true_negatives: int
    melanomas: int
    melanomas_missed: int


class RocCurve(Section):
    """Sensitivity over false-positive rate, from (0, 0) to (1, 1), at most 200 points.

    `thresholds[i]` is the lowest score still called positive at point i; null at (0, 0), where none is.
    """

    false_positive_rate: tuple[float, ...]
    sensitivity: tuple[float, ...]
    thresholds: tuple[float | None, ...]


class PrecisionRecallCurve(Section):
    """Precision over recall, by rising recall, at most 200 points."""

    recall: tuple[float, ...]
    precision: tuple[float, ...]
    thresholds: tuple[float, ...]


class ClassScores(Section):
    """One class against all others. Support is the number of votes and of groups whose true class it is."""

    n_votes: int
    n_groups: int
    precision: Estimate
    recall: Estimate
    f1: Estimate
    auroc: Estimate
    roc: RocCurve | None = None


class ConfusionMatrix(Section):
    """`counts[i][j]`: votes of true class `classes[i]` that were called `classes[j]`."""

    classes: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


class ReliabilityBin(Section):
    """Votes whose stated probability lies in [low, high): the mean of what was stated, and the share that came true.

    The last bin holds probability 1 as well. Both are null in an empty bin.
    """

    low: float
    high: float
    count: int
    mean_confidence: float | None
    accuracy: float | None


class RiskCoverage(Section):
    """The error rate (risk) among the most confident share (coverage) of the votes, by rising coverage."""

    coverage: tuple[float, ...]
    risk: tuple[float, ...]
    aurc: Estimate


class PredictionSetScores(Section):
    """What the split-conformal prediction sets do: the share that holds the true class, and how large they are."""

    target_coverage: Share
    threshold: Share
    coverage: Estimate
    coverage_by_class: dict[str, Estimate] = Field(default_factory=dict)
    mean_size: Estimate
    size_counts: tuple[int, ...]
    """Votes by size of their set: 0 classes, 1 class, ..., all classes."""


class Scores(Section):
    """Everything about one subset."""

    vote: Vote
    n_images: int
    n_votes: int
    """What is counted: images, or lesions where a lesion has one vote."""
    n_groups: int
    n_malignant_groups: int
    metrics: dict[str, Estimate]
    per_class: dict[str, ClassScores]
    confusion: ConfusionMatrix
    malignant_roc: RocCurve | None
    malignant_precision_recall: PrecisionRecallCurve | None
    reliability: tuple[ReliabilityBin, ...]
    """Of the highest class probability; ECE is the mean gap over these bins."""
    malignant_reliability: tuple[ReliabilityBin, ...]
    """Of the malignant probability against the share that is malignant."""
    risk_coverage: RiskCoverage
    operating_points: tuple[OperatingPointResult, ...]
    prediction_sets: PredictionSetScores | None = None

    def at(self, operating_point: str) -> OperatingPointResult | None:
        """The result of the operating point of that name, or None."""
        return next((p for p in self.operating_points if p.name == operating_point), None)
