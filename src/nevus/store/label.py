"""A label: what somebody says an image shows, and how surely that is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from nevus.store.serving_tables import LabelRow

RANKS: Mapping[str | None, int] = {"histology": 4, "confocal": 3, "follow_up": 2, "consensus": 1, None: 0}
"""How sure a confirmation is; the manifest's values of `confirmed_by`, and None for somebody's opinion."""


@dataclass(frozen=True)
class Label:
    """A stored label. It counts for its image unless another one supersedes it.

    confirmed_by: a key of `RANKS`. labelled_by: the owner of the API key. superseded_by: the label that counts
    instead of this one, or that replaced it before it was replaced itself.
    """

    label_id: str
    image_hash: str
    prediction_id: str | None
    patient_hash: str | None
    lesion_hash: str | None
    diagnosis: str
    malignant: bool
    confirmed_by: str | None
    confirmed_on: date | None
    labelled_by: str
    key_id: str | None
    note: str | None
    created_at: datetime
    superseded_by: str | None

    @property
    def counts(self) -> bool:
        """Whether this is the image's current label."""
        return self.superseded_by is None

    @property
    def rank(self) -> int:
        """How sure its confirmation is, 0 to 4."""
        return RANKS[self.confirmed_by]

    @classmethod
    def from_row(cls, row: LabelRow) -> Label:
        """The frozen picture of a row."""
        return cls(**{name: getattr(row, name) for name in cls.__dataclass_fields__})
