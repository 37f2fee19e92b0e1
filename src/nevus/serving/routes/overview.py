"""How the service does, at a glance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime, time
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Query, Request

from nevus.api import Overview
from nevus.serving.auth import Principal, needs
from nevus.serving.schemas import problems
from nevus.serving.service import Service
from nevus.store.columns import now
from nevus.store.heartbeats import last_minutes
from nevus.store.predictions.counts import count_predictions
from nevus.store.serving_tables import ServedBundleRow

router = APIRouter(prefix="/v1/overview", tags=["operations"])


@router.get("", summary="How the service does", response_model=Overview, responses=problems(401, 403, 422, 429, 503))
async def overview(
    request: Request,
    principal: Annotated[Principal, needs("reader")],
    hours: Annotated[int, Query(ge=1, le=168, description="how far `uptime` looks back")] = 24,
) -> Any:
    """The model that answers, the last hours minute by minute (of all processes together), and today's answers (UTC).

    A minute that is missing from `uptime` was one without any process.
    """
    del principal
    service: Service = request.app.state.service
    return await service.in_thread(_overview, service, hours)


def _overview(service: Service, hours: int) -> Mapping[str, Any]:
    moment = now()
    today = count_predictions(service.store, since=datetime.combine(moment.date(), time(), UTC))
    minutes = last_minutes(service.store, hours * 60, at=moment)
    return {
        "now": moment,
        "model": _model(service),
        "ready": service.fleet.ready,
        "uptime": [asdict(minute) for minute in minutes if minute.instances],
        "today": asdict(today),
        "queue_depth": service.waiting,
    }


def _model(service: Service) -> Mapping[str, Any] | None:
    champion = service.fleet.lineup.champion
    if champion is None:
        return None
    query = sa.select(ServedBundleRow.first_served_at).where(ServedBundleRow.bundle_digest == champion.digest)
    with service.store.read() as session:
        since = session.scalar(query)
    return {"model": champion.name, "version": champion.version, "bundle_digest": champion.digest, "since": since}
