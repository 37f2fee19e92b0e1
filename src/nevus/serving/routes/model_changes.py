"""The decisions that bring a version to production and back, each in the name of the key's owner."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, ConfigDict, Field

from nevus.api import ModelChange, ModelDetail
from nevus.serving.auth import Principal, needs
from nevus.serving.fleet import Fleet
from nevus.serving.model_answers import version_answer, version_detail
from nevus.serving.schemas import problems
from nevus.serving.service import Service
from nevus.serving.small_body import SmallBodyRoute
from nevus.store import Change, ModelVersion, Registry, State, current_actor
from nevus.store.rollout import get_rollout

router = APIRouter(prefix="/v1/models", tags=["models"], route_class=SmallBodyRoute)

DECIDE = problems(401, 403, 404, 409, 422, 429, 503)

Model = Annotated[str, Path(max_length=100)]
Number = Annotated[int, Path(ge=1, le=2**31 - 1)]
Operator = Annotated[Principal, needs("operator")]
Admin = Annotated[Principal, needs("admin")]


class Approval(BaseModel):
    """Who approves is the key's owner."""

    model_config = ConfigDict(extra="forbid")

    note: str = Field(min_length=1, max_length=2000, description="on what grounds")
    override: str | None = Field(
        default=None, min_length=1, max_length=2000, description="why, although the gate said no"
    )


class Note(BaseModel):
    """What else should stand in the audit."""

    model_config = ConfigDict(extra="forbid")

    note: str | None = Field(default=None, max_length=2000)


@router.post("/{model}/{number}/approve", response_model=ModelChange, responses=DECIDE)
async def approve(request: Request, model: Model, number: Number, said: Approval, principal: Admin) -> ModelChange:
    """The key's owner answers for the version; against the gate's verdict only with a reason."""
    service: Service = request.app.state.service
    return await _decide(
        service,
        lambda registry: registry.approve(
            f"{model}/{number}", by=actor(principal), note=said.note, override=said.override
        ),
    )


@router.post("/{model}/{number}/promote", response_model=ModelChange, responses=DECIDE)
async def promote(
    request: Request, model: Model, number: Number, principal: Admin, said: Note | None = None
) -> ModelChange:
    """Let an approved version answer. It is loaded and proves itself first: one that can't stays what it was."""
    del said
    service: Service = request.app.state.service

    def move(registry: Registry) -> Change:
        found = registry.get(f"{model}/{number}")
        if found.state in (State.APPROVED, State.CHALLENGER):
            service.fleet.prove(found)
        return registry.promote(found.ref, by=actor(principal))

    return await _decide(service, move)


@router.post("/{model}/{number}/challenge", response_model=ModelChange, responses=DECIDE)
async def challenge(
    request: Request, model: Model, number: Number, principal: Admin, said: Note | None = None
) -> ModelChange:
    """Let an approved version run beside the champion, to the share and in the way that the rollout says."""
    del said
    service: Service = request.app.state.service

    def move(registry: Registry) -> Change:
        found = registry.get(f"{model}/{number}")
        if found.state is State.APPROVED:
            service.fleet.prove(found)
        change = registry.challenge(found.ref, by=actor(principal))
        rollout = get_rollout(service.store, found.model)
        shown = [f"it answers {rollout.challenger_share:.0%} of the patients now."] if rollout.challenger_share else []
        shown += ["it judges the champion's images in the shadow now."] if rollout.shadow else []
        return Change(change.version, change.replaced, (*change.warnings, *shown))

    return await _decide(service, move)


@router.post("/{model}/{number}/retire", response_model=ModelChange, responses=DECIDE)
async def retire(
    request: Request, model: Model, number: Number, principal: Admin, said: Note | None = None
) -> ModelChange:
    """Take a version out of use for good."""
    note = (said.note if said else None) or ""
    return await _decide(
        request.app.state.service,
        lambda registry: registry.retire(f"{model}/{number}", by=actor(principal), note=note),
    )


@router.post("/{model}/rollback", response_model=ModelChange, responses=DECIDE)
async def rollback(request: Request, model: Model, principal: Operator, said: Note | None = None) -> ModelChange:
    """Bring the champion before this one back, at once."""
    note = (said.note if said else None) or ""
    return await _decide(
        request.app.state.service, lambda registry: registry.rollback(model, by=actor(principal), note=note)
    )


@router.post("/{model}/{number}/load", response_model=ModelDetail, responses=DECIDE)
async def load(request: Request, model: Model, number: Number, principal: Operator) -> ModelDetail:
    """Load a further version, for predictions that name it (`model=`).

    It is there when this is answered; other servers of the store follow within seconds, and load it after a restart.
    """
    return await _changed(request.app.state.service, f"{model}/{number}", Fleet.load, by=actor(principal))


@router.post("/{model}/{number}/unload", response_model=ModelDetail, responses=DECIDE)
async def unload(request: Request, model: Model, number: Number, principal: Operator) -> ModelDetail:
    """Free the memory of a further version, on every server of the store; requests that use it finish."""
    return await _changed(request.app.state.service, f"{model}/{number}", Fleet.unload, by=actor(principal))


def actor(principal: Principal) -> str:
    """Who stands in the audit: the key's owner; without keys, who runs the service on this machine."""
    return principal.name if principal.key_id is not None else current_actor()


async def _changed(service: Service, ref: str, change: Callable[..., None], *, by: str) -> ModelDetail:
    """Load or unload a version, and show it as it is then."""

    def do() -> ModelVersion:
        found = Registry(service.store).get(ref)
        change(service.fleet, found, by=by)
        return found

    found = await service.in_thread(do)
    return version_detail(service.fleet.lineup, found)


async def _decide(service: Service, move: Callable[[Registry], Change]) -> ModelChange:
    """Make a move, and let this process follow it before the answer."""

    def do() -> tuple[Change, tuple[str, ...]]:
        change = move(Registry(service.store))
        service.fleet.follow()
        return change, service.fleet.problems

    change, told = await service.in_thread(do)
    lineup = service.fleet.lineup
    return ModelChange(
        version=version_answer(lineup, change.version),
        replaced=version_answer(lineup, change.replaced) if change.replaced else None,
        warnings=[*change.warnings, *told],
    )
