"""From rows of predictions to the JSON that callers see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from nevus.bundle.verdict import NOTICE, Judgement
from nevus.store.labels import Label
from nevus.store.predictions import StoredPrediction

_SAME = (
    "prediction_id",
    "request_id",
    "model",
    "version",
    "bundle_digest",
    "arm",
    "diagnosis",
    "probabilities",
    "p_malignant",
    "verdict",
    "operating_point",
    "threshold",
    "ood_score",
    "quality",
    "image_statistics",
    "image_hash",
    "width",
    "height",
    "age",
    "sex",
    "site",
)
_LISTS = ("reasons", "prediction_set", "notes")


def prediction_answer(row: Mapping[str, Any], *, explain: bool = False) -> dict[str, Any]:
    """The answer that a row of `PredictionRow` stands for."""
    answer = {name: row[name] for name in _SAME} | {name: list(row[name]) for name in _LISTS}
    answer["created_at"] = row["created_at"].isoformat().replace("+00:00", "Z")
    answer["reliable"] = Judgement(row["verdict"]).reliable
    answer["latency_ms"] = row["latency"]
    answer["has_image"] = row["image_key"] is not None
    answer["notice"] = NOTICE
    if explain and row["evidence"] is not None:
        grid = np.frombuffer(row["evidence"], "<f2").reshape(row["evidence_height"], -1)
        answer["evidence"] = {
            "map": [[float(f"{value:.4g}") for value in line] for line in grid.tolist()],
            "overlay": f"/v1/predictions/{row['prediction_id']}/evidence",
        }
    return answer


def stored_answer(stored: StoredPrediction, *, explain: bool = False) -> dict[str, Any]:
    """The same of what was read back, with the label that counts."""
    row = {name: getattr(stored, name) for name in StoredPrediction.__dataclass_fields__ if name != "label"}
    answer = prediction_answer(row, explain=explain)
    if stored.label is not None:
        answer["label"] = label_answer(stored.label)
    return answer


def label_answer(label: Label) -> dict[str, Any]:
    """A label as JSON can hold it."""
    names = ("label_id", "image_hash", "prediction_id", "diagnosis", "malignant", "confirmed_by", "labelled_by", "note")
    answer = {name: getattr(label, name) for name in (*names, "superseded_by")}
    answer["confirmed_on"] = label.confirmed_on.isoformat() if label.confirmed_on else None
    answer["created_at"] = label.created_at.isoformat().replace("+00:00", "Z")
    return answer
