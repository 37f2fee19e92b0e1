"""Earlier pictures that look alike to the model."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from nevus.api import SimilarCases
from nevus.serving.answers import stored_answer
from nevus.serving.auth import Principal, needs
from nevus.serving.schemas import problems
from nevus.serving.service import Service
from nevus.store.predictions import PredictionFilter, find_prediction, list_predictions
from nevus.store.predictions.embeddings import most_similar

router = APIRouter(prefix="/v1/predictions", tags=["predictions"])


@router.get(
    "/{prediction_id}/similar",
    summary="Cases that look alike",
    response_model=SimilarCases,
    responses=problems(401, 403, 404, 422, 429, 503),
)
async def similar(
    request: Request,
    prediction_id: str,
    principal: Annotated[Principal, needs("reader")],
    limit: Annotated[int, Query(ge=1, le=50)] = 5,
) -> Any:
    """Other images among the newest answers of the same bundle, the most similar first, with their labels if known."""
    del principal
    service: Service = request.app.state.service
    return {"similar": await service.in_thread(_similar, service, prediction_id, limit)}


def _similar(service: Service, prediction_id: str, limit: int) -> list[dict[str, Any]]:
    found = most_similar(service.store, find_prediction(service.store, prediction_id), limit=limit)
    if not found:
        return []
    wanted = PredictionFilter(ids=[one.prediction_id for one in found])
    page = list_predictions(service.store, wanted, limit=len(found))
    answers = {one.prediction_id: stored_answer(one) for one in page.predictions}
    return [
        {"prediction": answers[one.prediction_id], "similarity": round(one.similarity, 4)}
        for one in found
        if one.prediction_id in answers  # erased a moment ago
    ]
