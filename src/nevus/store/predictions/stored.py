"""A prediction as it stands in the store, with the label that counts for its image."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from nevus.store.label import Label
from nevus.store.serving_tables import LabelRow, PredictionRow

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LISTS = frozenset(("reasons", "prediction_set", "notes"))


@dataclass(frozen=True)
class StoredPrediction:
    """One image's answer; the columns of `PredictionRow`, and the current label where somebody gave one.

    embedding: float16 [D] and evidence: float16 [h, w], both little-endian bytes; `embedding_vector` and
    `evidence_map` decode them.
    """

    prediction_id: str
    request_id: str
    created_at: datetime
    model: str
    version: int | None
    bundle_digest: str
    arm: str
    shadow_of: str | None
    key_id: str | None
    patient_hash: str | None
    lesion_hash: str | None
    image_hash: str
    image_key: str | None
    image_type: str
    orientation: int
    width: int
    height: int
    age: float | None
    sex: str | None
    site: str | None
    diagnosis: str | None
    probabilities: dict[str, float] | None
    logits: dict[str, float] | None
    p_malignant: float | None
    operating_point: str | None
    threshold: float | None
    verdict: str
    reasons: tuple[str, ...]
    quality: dict[str, float]
    image_statistics: dict[str, float]
    ood_score: float | None
    prediction_set: tuple[str, ...]
    notes: tuple[str, ...]
    embedding: bytes | None = field(repr=False)
    evidence: bytes | None = field(repr=False)
    evidence_height: int | None
    latency: dict[str, float]
    label: Label | None = None

    @property
    def embedding_vector(self) -> NDArray[np.float16] | None:
        """[D], read-only; None where none is stored."""
        return None if self.embedding is None else np.frombuffer(self.embedding, dtype="<f2")

    @property
    def evidence_map(self) -> NDArray[np.float16] | None:
        """[h, w], read-only; None where none is stored."""
        if self.evidence is None or self.evidence_height is None:
            return None
        return np.frombuffer(self.evidence, dtype="<f2").reshape(self.evidence_height, -1)

    @classmethod
    def from_row(cls, row: PredictionRow, label: LabelRow | None = None) -> StoredPrediction:
        """The frozen picture of a row, with the row of the label that counts for its image."""
        columns = {name: getattr(row, name) for name in cls.__dataclass_fields__ if name != "label"}
        columns |= {name: tuple(columns[name]) for name in _LISTS}
        return cls(**columns, label=None if label is None else Label.from_row(label))
