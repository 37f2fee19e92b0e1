"""Answers as CSV, for those who ask for `text/csv`; and tables as people send them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fastapi import Request
from starlette.responses import Response

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def wants_csv(request: Request) -> bool:
    """Whether the Accept header prefers `text/csv` to JSON."""
    weights: dict[str, float] = {}
    for part in request.headers.get("accept", "").split(","):
        kind, *parameters = (piece.strip().lower() for piece in part.split(";"))
        weight = next((text[2:] for text in parameters if text.startswith("q=")), "1")
        try:
            weights[kind] = float(weight)
        except ValueError:
            weights[kind] = 0.0
    return weights.get("text/csv", 0.0) > weights.get("application/json", 0.0)


def csv_response(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], headers: Mapping[str, str]) -> Response:
    """The rows as a table with these columns; a row may lack some."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([_cell(row.get(column)) for column in columns] for row in rows)
    return Response(buffer.getvalue(), media_type="text/csv", headers=dict(headers))


def prediction_columns(answers: Iterable[Mapping[str, Any]]) -> list[str]:
    """The columns of a table of predictions; the classes of all of them as `p_<class>`."""
    classes = dict.fromkeys(name for answer in answers for name in answer["probabilities"] or {})
    return [*_BEFORE, *(f"p_{name}" for name in classes), *_AFTER]


def prediction_line(answer: Mapping[str, Any]) -> dict[str, Any]:
    """An answer as a flat row."""
    probabilities = {f"p_{name}": value for name, value in (answer["probabilities"] or {}).items()}
    label = answer.get("label") or {}
    labelled = {"label": label.get("diagnosis"), "label_confirmed_by": label.get("confirmed_by")}
    return {**answer, **probabilities, **labelled}


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        value = " ".join(str(one) for one in value)
    if isinstance(value, str):
        value = value.replace("\x00", "\N{REPLACEMENT CHARACTER}")
        return f"'{value}" if value.startswith(_FORMULA) else value  # a spreadsheet would run it
    return value


_BEFORE = (
    "prediction_id",
    "request_id",
    "created_at",
    "name",
    "model",
    "version",
    "bundle_digest",
    "arm",
    "diagnosis",
    "p_malignant",
    "verdict",
    "reasons",
    "reliable",
    "operating_point",
    "threshold",
    "prediction_set",
    "ood_score",
)
_AFTER = ("image_hash", "width", "height", "age", "sex", "site", "notes", "label", "label_confirmed_by")
