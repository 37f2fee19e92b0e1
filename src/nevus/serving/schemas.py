"""The JSON of the API, for its OpenAPI document and for the client."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, Field

from nevus.bundle.verdict import Reason, Verdict


class LabelAnswer(BaseModel):
    """What somebody says an image shows."""

    label_id: str
    image_hash: str
    prediction_id: str | None = None
    diagnosis: str
    malignant: bool
    confirmed_by: str | None = None
    confirmed_on: date | None = None
    labelled_by: str
    note: str | None = None
    created_at: datetime
    superseded_by: str | None = None


class Evidence(BaseModel):
    """Where the model saw evidence for malignancy."""

    map: list[list[float]] = Field(description="[h][w] over the framed picture; the Grad-CAM of the malignant log-odds")
    overlay: str = Field(description="path of the picture with the map laid over it")


class PredictionAnswer(BaseModel):
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


class LesionAnswer(BaseModel):
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


class LesionAnswers(BaseModel):
    """The answers on several images of one lesion."""

    request_id: str
    lesion: LesionAnswer
    predictions: list[PredictionAnswer]


class Problem(BaseModel):
    """RFC 9457."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    field: str | None = None
    reason: str | None = None
    request_id: str | None = None


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that may answer with these problems."""
    content = {"application/problem+json": {"schema": Problem.model_json_schema()}}
    return {status: {"description": "Problem", "content": content} for status in statuses}
