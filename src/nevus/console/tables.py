"""A batch as rows for the screen and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from nevus.api import BatchItem, DiagnosisMeaning, PredictionAnswer
from nevus.console import words
from nevus.console.words import sentence

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def batch_rows(items: Sequence[BatchItem], meanings: Mapping[str, DiagnosisMeaning]) -> list[dict[str, Any]]:
    """One row for each picture, in words."""
    rows = []
    for item in items:
        one, error = item.prediction, item.error
        rows.append(
            {
                "Name": item.name or "",
                "Verdict": words.verdict(one.verdict) if one else "Error",
                "Diagnosis": words.diagnosis(one.diagnosis, meanings) if one and one.diagnosis else "–",
                "Malignant (%)": None if one is None or one.p_malignant is None else 100 * one.p_malignant,
                "Why": _why(one) if one else sentence(error.detail) if error else "",
            }
        )
    return rows


def batch_csv(items: Sequence[BatchItem]) -> str:
    """One line for each picture, in codes; the probabilities in columns p_<class>.

    A name that a spreadsheet would take for a formula gets an apostrophe before it.
    """
    classes = sorted({code for item in items if item.prediction for code in item.prediction.probabilities or {}})
    fields = ["name", "prediction_id", "verdict", "reasons", "diagnosis", "p_malignant", "reliable"]
    fields += [f"p_{code}" for code in classes] + ["prediction_set", "model", "version", "bundle_digest", "error"]
    text = io.StringIO()
    writer = csv.DictWriter(text, fields, restval="", lineterminator="\n")
    writer.writeheader()
    for item in items:
        row: dict[str, Any] = {"name": _cell(item.name or "")}
        if item.error is not None:
            row["error"] = _cell(item.error.detail)
        if (one := item.prediction) is not None:
            row |= {name: getattr(one, name) for name in ("prediction_id", "verdict", "diagnosis", "p_malignant")}
            row |= {name: getattr(one, name) for name in ("reliable", "model", "version", "bundle_digest")}
            row |= {"reasons": " ".join(one.reasons), "prediction_set": " ".join(one.prediction_set)}
            row |= {f"p_{code}": p for code, p in (one.probabilities or {}).items()}
        writer.writerow({name: "" if value is None else value for name, value in row.items()})
    return text.getvalue()


def _why(one: PredictionAnswer) -> str:
    """The reasons in a few words; that a suspicious one lies above the operating point goes without saying."""
    said = [words.short_reason(code) for code in one.reasons if code != "above_operating_point"]
    return sentence(", ".join(said))


def _cell(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
