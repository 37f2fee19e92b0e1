"""Answers on images."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from nevus.api.base import Answer
from nevus.api.labels import LabelAnswer
from nevus.bundle.verdict import Reason, Verdict


class Evidence(Answer):
    """Where the model saw evidence for malignancy."""

    map: list[list[float]] = Field(description="[h][w] over the framed picture; the Grad-CAM of the malignant log-odds")
    overlay: str = Field(description="path of the picture with the map laid over it")


class PredictionAnswer(Answer):
    """A model's answer on one image. Decision support, not a diagnosis."""

    prediction_id: str
    request_id: str
    created_at: datetime
    model: str
    version: int | None = Field(description="null for a bundle outside the registry")
    bundle_digest: str
    arm: str = Field(description="champion, challenger, pinned or shadow")
    diagnosis: str | None = Field(description="null where the image is unusable")
    probabilities: dict[str, float] | None
    p_malignant: float | None
    verdict: Verdict
    reasons: list[Reason]
    reliable: bool = Field(description="whether the probabilities may be relied on")
    operating_point: str | None
    threshold: float | None
    prediction_set: list[str]
    ood_score: float | None
    quality: dict[str, float]
    image_statistics: dict[str, float]
    image_hash: str = Field(description="SHA-256 of the bytes as they were sent")
    width: int
    height: int
    age: float | None
    sex: str | None
    site: str | None
    notes: list[str]
    latency_ms: dict[str, float]
    notice: str
    name: str | None = Field(default=None, description="the file's name, where several came at once")
    evidence: Evidence | None = None
    label: LabelAnswer | None = None
    has_image: bool = True


class LesionAnswer(Answer):
    """One answer on a lesion of which several images were given: the mean of the usable images' probabilities."""

    lesion_answer_id: str
    diagnosis: str | None
    probabilities: dict[str, float] | None
    p_malignant: float | None
    verdict: Verdict
    reasons: list[Reason]
    reliable: bool
    operating_point: str | None
    threshold: float | None
    images: int
    usable_images: int
    notice: str


class LesionAnswers(Answer):
    """The answers on several images of one lesion."""

    request_id: str
    lesion: LesionAnswer
    predictions: list[PredictionAnswer]


class PredictionPage(Answer):
    """Some of the stored predictions, and where the next ones begin."""

    predictions: list[PredictionAnswer]
    next: str | None = None


class ItemError(Answer):
    """Why one image of a batch has no answer."""

    status: int
    detail: str
    field: str | None = None
    reason: str | None = None


class BatchItem(Answer):
    """One image of a batch: its prediction, or its own error."""

    name: str | None = None
    prediction: PredictionAnswer | None = None
    error: ItemError | None = None


class BatchTotals(Answer):
    """Counts over a batch."""

    images: int
    errors: int
    by_verdict: dict[str, int]
    by_diagnosis: dict[str, int]


class BatchAnswer(Answer):
    """What came of a batch, in the order in which its images were sent."""

    request_id: str
    results: list[BatchItem]
    totals: BatchTotals


class SimilarCase(Answer):
    """An earlier prediction whose image looks alike to the model. similarity: cosine of the embeddings, -1..1."""

    prediction: PredictionAnswer
    similarity: float


class SimilarCases(Answer):
    """The most similar first."""

    similar: list[SimilarCase]


class Priority(Answer):
    """How much a label of this image would help, and why: each 0..1."""

    score: float
    uncertainty: float
    novelty: float
    closeness: float


class WorklistItem(Answer):
    """A prediction that waits for a label."""

    prediction: PredictionAnswer
    priority: Priority


class Worklist(Answer):
    """Predictions without a label, in the order in which a label helps most."""

    items: list[WorklistItem]
    next: str | None = None
