"""The decisions that bring a version to production and back, each in the name of the key's owner."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, ConfigDict, Field

from nevus.api import ModelChange, ModelDetail
from nevus.notices import Event
from nevus.serving.auth import Principal, needs
from nevus.serving.bodies import PlainText
from nevus.serving.fleet import Fleet
from nevus.serving.model_answers import version_answer
from nevus.serving.routes.models import shown
from nevus.serving.schemas import problems
from nevus.serving.service import Service
from nevus.serving.small_body import SmallBodyRoute
from nevus.store import Change, Registry, State, current_actor
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

    note: PlainText = Field(min_length=1, max_length=2000, description="on what grounds")
    override: PlainText | None = Field(
        default=None, min_length=1, max_length=2000, description="why, although the gate said no"
    )


class Note(BaseModel):
    """What else should stand in the audit."""

    model_config = ConfigDict(extra="forbid")

    note: PlainText | None = Field(default=None, max_length=2000)


@router.post("/{model}/{number}/approve", response_model=ModelChange, responses=DECIDE)
async def approve(request: Request, model: Model, number: Number, said: Approval, principal: Admin) -> ModelChange:
    """The key's owner answers for the version; against the gate's verdict only with a reason."""

    def decide(fleet: Fleet, registry: Registry, by: str, note: str) -> Change:
        return fleet.decide(lambda: registry.approve(f"{model}/{number}", by=by, note=note, override=said.override))

    return await _decided(request, principal, Event.APPROVED, said.note, decide)


@router.post("/{model}/{number}/promote", response_model=ModelChange, responses=DECIDE)
async def promote(
    request: Request, model: Model, number: Number, principal: Admin, said: Note | None = None
) -> ModelChange:
    """Let an approved version answer. It is loaded and proves itself first: one that can't stays what it was."""

    def decide(fleet: Fleet, registry: Registry, by: str, note: str) -> Change:
        found = registry.get(f"{model}/{number}")
        proving = found if found.state in (State.APPROVED, State.CHALLENGER) else None
        return fleet.decide(lambda: registry.promote(found.ref, by=by, note=note), proving=proving)

    return await _decided(request, principal, Event.PROMOTED, _note(said), decide)


@router.post("/{model}/{number}/challenge", response_model=ModelChange, responses=DECIDE)
async def challenge(
    request: Request, model: Model, number: Number, principal: Admin, said: Note | None = None
) -> ModelChange:
    """Let an approved version run beside the champion, to the share and in the way that the rollout says."""

    def decide(fleet: Fleet, registry: Registry, by: str, note: str) -> Change:
        found = registry.get(f"{model}/{number}")
        proving = found if found.state is State.APPROVED else None
        change = fleet.decide(lambda: registry.challenge(found.ref, by=by, note=note), proving=proving)
        rollout = get_rollout(request.app.state.service.store, found.model)
        shown = [f"it answers {rollout.challenger_share:.0%} of the patients now."] if rollout.challenger_share else []
        shown += ["it judges the champion's images in the shadow now."] if rollout.shadow else []
        return Change(change.version, change.replaced, (*change.warnings, *shown))

    return await _decided(request, principal, Event.CHALLENGER, _note(said), decide)


@router.post("/{model}/{number}/retire", response_model=ModelChange, responses=DECIDE)
async def retire(
    request: Request, model: Model, number: Number, principal: Admin, said: Note | None = None
) -> ModelChange:
    """Take a version out of use for good."""

    def decide(fleet: Fleet, registry: Registry, by: str, note: str) -> Change:
        return fleet.decide(lambda: registry.retire(f"{model}/{number}", by=by, note=note))

    return await _decided(request, principal, Event.RETIRED, _note(said), decide)


@router.post("/{model}/rollback", response_model=ModelChange, responses=DECIDE)
async def rollback(request: Request, model: Model, principal: Operator, said: Note | None = None) -> ModelChange:
    """Bring the champion before this one back, at once. It proves itself first, as at a promotion."""

    def decide(fleet: Fleet, registry: Registry, by: str, note: str) -> Change:
        former = registry.former_champion(model)
        return fleet.decide(lambda: registry.rollback(model, by=by, note=note, to=former.ref), proving=former)

    return await _decided(request, principal, Event.ROLLED_BACK, _note(said), decide)


@router.post("/{model}/{number}/load", response_model=ModelDetail, responses=DECIDE)
async def load(request: Request, model: Model, number: Number, principal: Operator) -> ModelDetail:
    """Load a further version that somebody has approved, for predictions that name it (`model=`).

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

    def do() -> ModelDetail:
        change(service.fleet, Registry(service.store).get(ref), by=by)
        return shown(service, ref)

    return await service.in_thread(do)


async def _decided(
    request: Request,
    principal: Principal,
    event: Event,
    note: str,
    decide: Callable[[Fleet, Registry, str, str], Change],
) -> ModelChange:
    """Make a move, which this process has followed before the answer; others hear of it behind the answer."""
    service: Service = request.app.state.service
    by = actor(principal)
    change = await service.in_thread(decide, service.fleet, Registry(service.store), by, note)
    service.announcer.tell(event, change, by=by, note=note)
    lineup = service.fleet.lineup
    return ModelChange(
        version=version_answer(lineup, change.version),
        replaced=version_answer(lineup, change.replaced) if change.replaced else None,
        warnings=[*change.warnings, *service.fleet.problems],
    )


def _note(said: Note | None) -> str:
    return (said.note if said else None) or ""
