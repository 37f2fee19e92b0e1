"""What a prediction is, and how it is written as one JSON object."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nevus.bundle.verdict import NOTICE, Judgement, Reason, Verdict
from nevus.imaging.quality import Quality


@dataclass(frozen=True)
class Prediction:
    """A model's answer on one image.

    diagnosis, probabilities, p_malignant, prediction_set: None (empty) where the image is unusable, unless raw output
    was asked for. Where the verdict is `refer` they are there but not reliable.
    operating_point: the name of the one that the verdict uses.
    prediction_set: diagnoses that hold the truth at the bundle's stated coverage.
    width, height: of the original image, upright. quality: of the framed input.
    evidence: [h, w] over the framed input, for the malignant log-odds. embedding: [D].
    notes: what decoding changed. latency: stage -> milliseconds. colours: mean red, green and blue, 0..1.
    """

    path: str | None
    verdict: Verdict
    reasons: tuple[Reason, ...]
    width: int
    height: int
    quality: Quality
    diagnosis: str | None = None
    probabilities: dict[str, float] | None = None
    logits: dict[str, float] | None = None
    p_malignant: float | None = None
    ood_score: float | None = None
    operating_point: str | None = None
    prediction_set: tuple[str, ...] = ()
    evidence: NDArray[np.float32] | None = field(default=None, repr=False, compare=False)
    embedding: NDArray[np.float32] | None = field(default=None, repr=False, compare=False)
    notes: tuple[str, ...] = ()
    latency: dict[str, float] = field(default_factory=dict, compare=False)
    colours: dict[str, float] = field(default_factory=dict)

    @property
    def reliable(self) -> bool:
        """Whether the probabilities may be relied on."""
        return Judgement(self.verdict).reliable

    def as_record(self) -> dict[str, Any]:
        """The prediction as JSON can hold it, without arrays; figures with six digits."""
        return {
            "path": self.path,
            "diagnosis": self.diagnosis,
            "probabilities": _rounded(self.probabilities),
            "p_malignant": _round(self.p_malignant),
            "verdict": self.verdict,
            "reasons": list(self.reasons),
            "reliable": self.reliable,
            "ood_score": _round(self.ood_score),
            "operating_point": self.operating_point,
            "prediction_set": list(self.prediction_set),
            "quality": _rounded(self.quality.as_dict()),
            "width": self.width,
            "height": self.height,
            "notes": list(self.notes),
            "notice": NOTICE,
        }


@dataclass(frozen=True)
class Failure:
    """An image that couldn't be read; `reason` is that of `UnreadableImageError`."""

    path: str | None
    error: str
    reason: str

    def as_record(self) -> dict[str, Any]:
        """The failure as JSON can hold it."""
        return {"path": self.path, "error": self.error, "reason": self.reason}


def _round(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.6g}")


def _rounded(values: dict[str, float] | None) -> dict[str, float | None] | None:
    return None if values is None else {name: _round(value) for name, value in values.items()}
