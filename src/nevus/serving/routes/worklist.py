"""Which pictures to look at next."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from nevus.api import Worklist
from nevus.serving.answers import stored_answer
from nevus.serving.auth import Principal, needs
from nevus.serving.schemas import problems
from nevus.serving.service import Service
from nevus.store.worklist import MOST_ROWS, WorkItem, read_worklist

router = APIRouter(prefix="/v1/worklist", tags=["labels"])

_LARGEST = 1.5
"""Of the store's scores; here they lie in 0..1."""


@router.get(
    "",
    summary="What a label of helps most",
    response_model=Worklist,
    responses=problems(401, 403, 422, 429, 503),
)
async def worklist(
    request: Request,
    principal: Annotated[Principal, needs("reader")],
    limit: Annotated[int, Query(ge=1, le=MOST_ROWS)] = 20,
    cursor: Annotated[str | None, Query(max_length=300, description="`next` of the page before")] = None,
) -> Any:
    """Unlabelled predictions, those first that the model is least sure of, has seen least of, or nearly called."""
    del principal
    service: Service = request.app.state.service
    page = await service.in_thread(read_worklist, service.store, cursor=cursor, limit=limit)
    return {"items": [_item(one) for one in page.items], "next": page.next_cursor}


def _item(one: WorkItem) -> dict[str, Any]:
    priority = {
        "score": round(one.score / _LARGEST, 6),
        "uncertainty": round(one.entropy, 6),
        "novelty": round(one.novelty or 0.0, 6),
        "closeness": round(one.closeness or 0.0, 6),
    }
    return {"prediction": stored_answer(one.prediction), "priority": priority}
