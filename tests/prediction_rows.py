"""Rows of predictions, as the service writes them."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from nevus.store import Store
from nevus.store.predictions import append_predictions

NOON = datetime(2025, 11, 20, 12, tzinfo=UTC)
_numbers = count(1)


def numbered_id(number: int) -> str:
    """A UUIDv7 whose place among the others is its number."""
    return f"{number:08x}-0000-7000-8000-000000000000"


def image(name: object) -> str:
    """The hash of an image of this name."""
    return hashlib.sha256(str(name).encode()).hexdigest()


def prediction_row(number: int | None = None, **changes: Any) -> dict[str, Any]:
    """All columns of a prediction; the number gives its id, its minute after noon and its image."""
    number = next(_numbers) if number is None else number
    return {
        "prediction_id": numbered_id(number),
        "request_id": f"r{number}",
        "created_at": NOON + timedelta(minutes=number),
        "model": "lesions",
        "version": 1,
        "bundle_digest": "b" * 64,
        "arm": "champion",
        "shadow_of": None,
        "key_id": "k",
        "patient_hash": "e" * 64,
        "lesion_hash": "f" * 64,
        "image_hash": image(number),
        "image_key": f"images/{number}.jpg",
        "image_type": "image/jpeg",
        "orientation": 1,
        "width": 600,
        "height": 450,
        "age": 61.0,
        "sex": "female",
        "site": "back",
        "diagnosis": "nv",
        "probabilities": {"mel": 0.25, "nv": 0.75},
        "logits": {"mel": -1.0, "nv": 0.1},
        "p_malignant": 0.25,
        "operating_point": "sensitivity_95",
        "threshold": 0.1,
        "verdict": "suspicious",
        "reasons": ["above_operating_point"],
        "quality": {"sharpness": 12.5},
        "image_statistics": {"red": 0.5},
        "ood_score": 3.5,
        "prediction_set": ["nv", "mel"],
        "notes": ["rotated"],
        "embedding": b"\x00\x3c\x00\x40",
        "evidence": b"\x00\x3c" * 6,
        "evidence_height": 2,
        "latency": {"decode": 1.5},
        **changes,
    }


def add_predictions(store: Store, *rows: dict[str, Any]) -> None:
    """Write them as the service does."""
    with store.append() as connection:
        append_predictions(connection, rows)
