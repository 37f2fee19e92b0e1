"""Labelled images for the next training."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from nevus.api.base import Answer


class AcceptedSample(Answer):
    """An image that was taken, with what was noticed about it."""

    name: str
    sample_id: str
    warnings: list[str] = Field(default_factory=list)


class RejectedSample(Answer):
    """An image, or a line of the table, that was not taken, and why."""

    name: str
    reason: str
    message: str


class SamplesAnswer(Answer):
    """What became of an upload."""

    batch_id: str
    accepted: list[AcceptedSample]
    rejected: list[RejectedSample]


class SampleBatch(Answer):
    """An earlier upload. accepted, rejected: counts of images."""

    batch_id: str
    created_at: datetime
    uploaded_by: str
    accepted: int
    rejected: int


class SampleBatches(Answer):
    """All uploads, the newest first."""

    batches: list[SampleBatch]
