"""A batch as a table: nothing lost, and nothing that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from typing import Any

from nevus.api import BatchItem, ItemError, PredictionAnswer
from nevus.console.tables import batch_csv, batch_rows


def answered(name: str, **changes: Any) -> BatchItem:
    base: dict[str, Any] = {
        "prediction_id": "p1",
        "request_id": "r",
        "created_at": datetime(2026, 11, 21, tzinfo=UTC),
        "model": "ham",
        "version": 3,
        "bundle_digest": "ab" * 32,
        "arm": "champion",
        "diagnosis": "mel",
        "probabilities": {"mel": 0.8, "nv": 0.2},
        "p_malignant": 0.8,
        "verdict": "suspicious",
        "reasons": ["above_operating_point"],
        "reliable": True,
        "operating_point": "sensitivity_95",
        "threshold": 0.2,
        "prediction_set": ["mel", "nv"],
        "ood_score": 0.1,
        "quality": {},
        "image_statistics": {},
        "image_hash": "h",
        "width": 600,
        "height": 450,
        "age": None,
        "sex": None,
        "site": None,
        "notes": [],
        "latency_ms": {},
        "notice": "",
    }
    return BatchItem(name=name, prediction=PredictionAnswer.model_validate(base | changes))


UNUSABLE = {
    "diagnosis": None,
    "probabilities": None,
    "p_malignant": None,
    "verdict": "unusable",
    "reasons": ["blurred"],
}
BROKEN = BatchItem(name="c.jpg", error=ItemError(status=422, detail="the bytes are not those of an image."))


def test_every_picture_has_a_row_and_an_error_tells_why() -> None:
    rows = batch_rows([answered("a.jpg"), answered("b.jpg", **UNUSABLE), BROKEN], {})
    assert [(row["Name"], row["Verdict"], row["Diagnosis"], row["Malignant (%)"]) for row in rows] == [
        ("a.jpg", "Suspicious", "Mel", 80.0),
        ("b.jpg", "Unusable image", "–", None),
        ("c.jpg", "Error", "–", None),
    ]
    assert [row["Why"] for row in rows] == ["", "Blurred", "The bytes are not those of an image."]


def test_the_csv_holds_codes_and_every_probability() -> None:
    text = batch_csv([answered("a.jpg"), answered("b.jpg", **UNUSABLE), BROKEN])
    first, second, third = csv.DictReader(io.StringIO(text))
    assert (first["p_mel"], first["p_nv"], first["verdict"], first["prediction_set"]) == (
        "0.8",
        "0.2",
        "suspicious",
        "mel nv",
    )
    assert (second["p_mel"], second["diagnosis"], second["reasons"]) == ("", "", "blurred")
    assert (third["name"], third["verdict"], third["error"]) == ("c.jpg", "", "the bytes are not those of an image.")


def test_a_name_that_a_spreadsheet_would_run_is_disarmed() -> None:
    (row,) = csv.DictReader(io.StringIO(batch_csv([answered('=HYPERLINK("http://x")')])))
    assert row["name"] == '\'=HYPERLINK("http://x")'
