"""Rows of the service's tables as tests need them: whole, plausible, and different only where a test says so."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from itertools import count
from typing import Any

from prediction_rows import prediction_row

_numbers = count(1)
START = datetime(2026, 1, 1, tzinfo=UTC)


def id_at(moment: datetime) -> str:
    """A UUIDv7 of that moment."""
    digits = f"{int(moment.timestamp() * 1000):012x}"
    return f"{digits[:8]}-{digits[8:]}-7000-8000-{next(_numbers):012x}"


def picture_key(data: bytes) -> str:
    digest = hashlib.sha256(data).hexdigest()
    return f"images/{digest[:2]}/{digest}.jpg"


def prediction(at: datetime = START, picture: bytes | None = b"picture", **changes: Any) -> dict[str, Any]:
    """All columns of a prediction."""
    made = prediction_row() | {
        "prediction_id": id_at(at),
        "request_id": f"request-{next(_numbers)}",
        "created_at": at,
        "key_id": None,
        "patient_hash": None,
        "lesion_hash": None,
        "image_hash": hashlib.sha256(picture or b"").hexdigest(),
        "image_key": None if picture is None else picture_key(picture),
    }
    return made | changes


def label(of: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """All columns of a label on a prediction."""
    made = {
        "label_id": id_at(START),
        "image_hash": of["image_hash"],
        "prediction_id": of["prediction_id"],
        "patient_hash": of["patient_hash"],
        "lesion_hash": of["lesion_hash"],
        "diagnosis": "mel",
        "malignant": True,
        "confirmed_by": "histology",
        "confirmed_on": None,
        "labelled_by": "Dr. A",
        "key_id": None,
        "note": "a note",
        "created_at": START,
        "superseded_by": None,
    }
    return made | changes


def sample(batch_id: str, picture: bytes, **changes: Any) -> dict[str, Any]:
    """All columns of a sample."""
    made = {
        "sample_id": id_at(START),
        "batch_id": batch_id,
        "created_at": START,
        "name": "a.jpg",
        "image_hash": hashlib.sha256(picture).hexdigest(),
        "image_key": picture_key(picture),
        "image_type": "jpeg",
        "orientation": 1,
        "width": 600,
        "height": 450,
        "diagnosis": "mel",
        "malignant": True,
        "confirmed_by": None,
        "patient_hash": None,
        "lesion_hash": None,
        "age": None,
        "sex": None,
        "site": None,
        "source": None,
        "licence": None,
        "attribution": None,
        "warnings": [],
    }
    return made | changes


def batch() -> dict[str, Any]:
    """All columns of a batch of samples."""
    return {
        "batch_id": id_at(START),
        "created_at": START,
        "uploaded_by": "Dr. A",
        "key_id": None,
        "accepted": 1,
        "rejected": {},
    }
