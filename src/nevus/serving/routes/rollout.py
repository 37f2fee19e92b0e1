"""How requests are shared between champion and challenger, and what came of it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from nevus.api import Comparison
from nevus.api import Rollout as RolloutAnswer
from nevus.serving.comparison import compare_rollout
from nevus.serving.errors import ProblemError
from nevus.serving.routes.model_changes import Operator, actor
from nevus.serving.routes.models import Reader
from nevus.serving.schemas import problems
from nevus.serving.service import Service
from nevus.serving.small_body import SmallBodyRoute
from nevus.store import ModelVersion, Registry, State, UnknownVersionError
from nevus.store.rollout import get_rollout, put_rollout

router = APIRouter(prefix="/v1/rollout", tags=["models"], route_class=SmallBodyRoute)


class WantedRollout(BaseModel):
    """What is left out stays. champion, challenger: numbers or `name/number`, to say which ones are meant."""

    model_config = ConfigDict(extra="forbid")

    model: str | None = Field(default=None, max_length=100, description="default: the one that answers")
    champion: int | str | None = None
    challenger: int | str | None = None
    challenger_share: float | None = Field(default=None, ge=0, le=1, description="of the patients")
    shadow: bool | None = Field(default=None, description="the challenger judges what the champion answers, unseen")


@router.get("", summary="Who answers", response_model=RolloutAnswer, responses=problems(401, 403, 429, 503))
async def read(request: Request, principal: Reader) -> RolloutAnswer:
    """Champion and challenger by number, the challenger's share, and whether it runs in the shadow."""
    del principal
    service: Service = request.app.state.service
    return await service.in_thread(_rollout, service, None)


@router.put(
    "",
    summary="Share requests anew",
    response_model=RolloutAnswer,
    responses=problems(401, 403, 404, 409, 422, 429, 503),
)
async def write(request: Request, wanted: WantedRollout, principal: Operator) -> RolloutAnswer:
    """Who champion and challenger are is decided by promote and challenge; this says who answers how much.

    It takes effect here before the answer, and in other processes within seconds.
    """
    service: Service = request.app.state.service

    def do() -> RolloutAnswer:
        now = _rollout(service, wanted.model)
        if now.model is None:
            raise ProblemError(
                409, "there is no champion in the store yet, so there is nothing to share.", field="model"
            )
        for name in ("champion", "challenger"):
            _same(now.model, name, getattr(wanted, name), getattr(now, name))
        share = now.challenger_share if wanted.challenger_share is None else wanted.challenger_share
        shadow = now.shadow if wanted.shadow is None else wanted.shadow
        if now.challenger is None and (share > 0 or shadow):
            raise ProblemError(
                409, f"{now.model} has no challenger: make an approved version it first.", field="challenger"
            )
        put_rollout(service.store, now.model, challenger_share=share, shadow=shadow, by=actor(principal))
        service.fleet.follow()
        return _rollout(service, now.model)

    return await service.in_thread(do)


@router.get(
    "/comparison",
    summary="Champion against challenger",
    response_model=Comparison,
    responses=problems(401, 403, 422, 429, 503),
)
async def comparison(
    request: Request,
    principal: Reader,
    start: Annotated[datetime | None, Query(alias="from")] = None,
    end: Annotated[datetime | None, Query(alias="to")] = None,
) -> Comparison:
    """On the images that both judged: agreement; with labels, scores with paired intervals and a sequential test.

    `arms` holds what each answered on its own share of the patients.
    """
    del principal
    service: Service = request.app.state.service
    for name, moment in (("from", start), ("to", end)):
        if moment is not None and moment.tzinfo is None:
            raise ProblemError(422, f"{name} needs a time zone, such as 2026-01-31T12:00:00Z.", field=name)

    def do() -> Comparison:
        champion, challenger = _contenders(service, None)
        if champion is None or challenger is None:
            return Comparison(champion=champion.ref if champion else None)
        return compare_rollout(service.store, champion, challenger, start=start, end=end)

    return await service.in_thread(do)


def _contenders(service: Service, model: str | None) -> tuple[ModelVersion | None, ModelVersion | None]:
    """Champion and challenger of a model; of the one that answers where none is named."""
    registry, answers = Registry(service.store), service.fleet.lineup.champion
    champions = registry.versions(model or service.settings.model, State.CHAMPION)
    chosen = [v for v in champions if len(champions) == 1 or (answers is not None and v.model == answers.name)]
    if not chosen:
        return None, None
    challengers = registry.versions(chosen[0].model, State.CHALLENGER)
    return chosen[0], challengers[0] if challengers else None


def _rollout(service: Service, model: str | None) -> RolloutAnswer:
    try:
        champion, challenger = _contenders(service, model)
    except UnknownVersionError:
        if model is not None:
            raise
        champion = challenger = None
    if champion is None:
        return RolloutAnswer()
    found = get_rollout(service.store, champion.model)
    return RolloutAnswer(
        model=champion.model,
        champion=champion.number,
        challenger=challenger.number if challenger else None,
        challenger_share=found.challenger_share,
        shadow=found.shadow,
    )


def _same(model: str, name: str, wanted: int | str | None, now: object) -> None:
    if wanted is None or str(wanted) in (str(now), f"{model}/{now}", name):
        return
    there = f"{model}/{now} is" if now is not None else "there is none"
    move = "promote" if name == "champion" else "challenge"
    raise ProblemError(
        409,
        f"{wanted!s:.80} is not the {name} of {model} ({there}): POST /v1/models/{model}/NUMBER/{move} makes it.",
        field=name,
    )
