"""Is it alive, is it ready, what is it, and what does it measure?"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from nevus import __version__
from nevus.serving.problems import problem
from nevus.serving.schemas import problems

router = APIRouter(tags=["operations"])


@router.get("/health", summary="Is the process alive?")
async def health() -> dict[str, str]:
    """Answers at once, whatever the models do."""
    return {"status": "ok"}


@router.get("/ready", summary="May requests be sent here?", responses=problems(503))
async def ready(request: Request) -> Any:
    """503 until a bundle's self-test has passed in this process."""
    service = request.app.state.service
    champion = service.fleet.lineup.champion
    if champion is None:
        return problem(503, service.failure or "the model is being loaded.", headers={"Retry-After": "1"})
    answer = {"status": "ready", "model": champion.name, "version": champion.version, "bundle_digest": champion.digest}
    told = service.fleet.problems
    return answer | {"problems": list(told)} if told else answer


@router.get("/version", summary="What runs here?")
async def version(request: Request) -> dict[str, Any]:
    """The versions of nevus and of the models that are loaded."""
    lineup = request.app.state.service.fleet.lineup
    return {
        "nevus": __version__,
        "revision": request.app.state.service.revision,
        "models": [{"model": m.name, "version": m.version, "bundle_digest": m.digest} for m in lineup.all],
    }


@router.get("/metrics", summary="For Prometheus", response_class=Response)
async def metrics(request: Request) -> Response:
    """In Prometheus' text format."""
    service = request.app.state.service
    service.metrics.queue.set(service.waiting)
    service.metrics.model.clear()
    lineup = service.fleet.lineup
    for model in lineup.all:
        role = "champion" if model is lineup.champion else "challenger" if model is lineup.challenger else "loaded"
        service.metrics.model.labels(model.ref, model.digest, role).set(1)
    service.metrics.broken.clear()
    for ref in service.fleet.broken:
        service.metrics.broken.labels(ref).set(1)
    return Response(service.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")
