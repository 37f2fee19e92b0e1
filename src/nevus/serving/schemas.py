"""The answers of routes, for the OpenAPI document. Their JSON is described in `nevus.api`, which the client shares."""

from __future__ import annotations

from typing import Any

from nevus.api import Evidence, LabelAnswer, LesionAnswer, LesionAnswers, PredictionAnswer, Problem

__all__ = [
    "Evidence",
    "LabelAnswer",
    "LesionAnswer",
    "LesionAnswers",
    "PredictionAnswer",
    "Problem",
    "problems",
]


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that may answer with these problems."""
    content = {"application/problem+json": {"schema": Problem.model_json_schema()}}
    return {status: {"description": "Problem", "content": content} for status in statuses}
