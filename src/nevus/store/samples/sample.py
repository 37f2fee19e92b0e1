"""A labelled image for the next training, and the upload that it came with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from nevus.errors import InputError
from nevus.store.serving_tables import SampleBatchRow, SampleRow

DUPLICATE = "duplicate"
"""Why an image is rejected that is a sample already."""


class SampleError(InputError):
    """What was asked of the samples can't be; `field` names it."""

    def __init__(self, field: str, said: str) -> None:
        super().__init__(f"{field}: {said}")
        self.field = field


@dataclass(frozen=True)
class NewSample:
    """An image that has passed its checks and whose picture lies in the blob store already.

    name: what the uploader called it. malignant: None lets the diagnosis decide. warnings: what the checks noticed.
    """

    name: str
    image_hash: str
    image_key: str
    image_type: str
    width: int
    height: int
    diagnosis: str
    orientation: int = 1
    malignant: bool | None = None
    confirmed_by: str | None = None
    patient_hash: str | None = None
    lesion_hash: str | None = None
    age: float | None = None
    sex: str | None = None
    site: str | None = None
    source: str | None = None
    licence: str | None = None
    attribution: str | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class RejectedSample:
    """An image that wasn't taken: a reason from the checks' list, or `duplicate`, and what it means for people.

    name, message: may hold a patient's name or key, so they are told to the uploader and never stored.
    """

    name: str
    reason: str
    message: str


@dataclass(frozen=True)
class Sample(NewSample):
    """A stored sample; malignant is None where the diagnosis is unknown and nothing else says."""

    sample_id: str = ""
    batch_id: str = ""
    created_at: datetime = datetime.min

    @classmethod
    def from_row(cls, row: SampleRow) -> Sample:
        """The frozen picture of a row."""
        columns = {name: getattr(row, name) for name in cls.__dataclass_fields__}
        return cls(**columns | {"warnings": tuple(row.warnings)})


@dataclass(frozen=True)
class SampleBatch:
    """One upload; accepted: how many were taken. rejected: reason -> how many were not."""

    batch_id: str
    created_at: datetime
    uploaded_by: str
    key_id: str | None
    accepted: int
    rejected: Mapping[str, int]

    @classmethod
    def from_row(cls, row: SampleBatchRow) -> SampleBatch:
        """The frozen picture of a row."""
        return cls(row.batch_id, row.created_at, row.uploaded_by, row.key_id, row.accepted, dict(row.rejected))
