"""Model versions: what there is, what each says of itself, and the decisions that bring one to production and back."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from nevus.api import Bin, ModelChange, ModelDetail, ModelVersions, Profile
from nevus.api import ModelVersion as VersionAnswer
from nevus.bundle import BundleError, BundleManifest
from nevus.bundle.directory import CARD, MANIFEST, METRICS, PROFILE
from nevus.errors import MissingExtraError, require
from nevus.serving.auth import Principal, needs
from nevus.serving.bundle_source import BundlePartError, read_bundle_file
from nevus.serving.errors import ProblemError
from nevus.serving.fleet import LoadedModel
from nevus.serving.schemas import problems
from nevus.serving.service import Service
from nevus.store import Change, ModelVersion, Registry, State, current_actor
from nevus.store.predictions import served_manifest
from nevus.store.rollout import get_rollout

router = APIRouter(prefix="/v1/models", tags=["models"])

READ = problems(401, 403, 404, 422, 429, 503)
DECIDE = problems(401, 403, 404, 409, 422, 429, 503)

Model = Annotated[str, Path(max_length=100)]
Number = Annotated[int, Path(ge=1, le=2**31 - 1)]
Reader = Annotated[Principal, needs("reader")]
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


@router.get("", summary="All versions", response_model=ModelVersions, responses=problems(401, 403, 429, 503))
async def models(request: Request, principal: Reader) -> ModelVersions:
    """The registry's, by name and the newest first; after a bundle that answers without being in it."""
    del principal
    service: Service = request.app.state.service
    versions = await service.in_thread(Registry(service.store).versions)
    found = [version_answer(service, version) for version in versions]
    champion = service.fleet.lineup.champion
    if champion is not None and champion.version is None:
        found.insert(0, _unregistered(champion))
    return ModelVersions(models=found)


@router.get("/served", summary="The champion that answers now", response_model=ModelDetail, responses=READ)
async def served(request: Request, principal: Reader) -> ModelDetail:
    """It may be in no registry: then it has neither number nor state."""
    del principal
    service: Service = request.app.state.service
    return await service.in_thread(_served, service)


@router.get("/served/card", response_class=Response, responses=READ)
async def served_card(request: Request, principal: Reader) -> Response:
    """The card of the champion that answers now, as Markdown."""
    del principal
    return await _part(request.app.state.service, None, CARD)


@router.get("/served/metrics", response_class=Response, responses=READ)
async def served_metrics(request: Request, principal: Reader) -> Response:
    """`metrics.json` of the champion that answers now."""
    del principal
    return await _part(request.app.state.service, None, METRICS)


@router.get("/served/manifest", response_class=Response, responses=READ)
async def served_bundle_json(request: Request, principal: Reader) -> Response:
    """`bundle.json` of the champion that answers now."""
    del principal
    return await _part(request.app.state.service, None, MANIFEST)


@router.get("/served/profile", response_model=Profile, responses=problems(401, 403, 404, 422, 429, 501, 503))
async def served_profile(request: Request, principal: Reader) -> Profile:
    """The reference histograms of the champion that answers now."""
    del principal
    service: Service = request.app.state.service
    return await service.in_thread(_profile, service, None)


@router.get("/{model}/{number}", summary="One version", response_model=ModelDetail, responses=READ)
async def version(request: Request, model: Model, number: Number, principal: Reader) -> ModelDetail:
    """A version with what it was made of."""
    del principal
    service: Service = request.app.state.service
    return _detail(service, await service.in_thread(Registry(service.store).get, f"{model}/{number}"))


@router.get("/{model}/{number}/card", response_class=Response, responses=READ)
async def card(request: Request, model: Model, number: Number, principal: Reader) -> Response:
    """Its model card, as Markdown."""
    del principal
    return await _part(request.app.state.service, f"{model}/{number}", CARD)


@router.get("/{model}/{number}/metrics", response_class=Response, responses=READ)
async def metrics(request: Request, model: Model, number: Number, principal: Reader) -> Response:
    """Its `metrics.json`: every figure with its interval, by subset."""
    del principal
    return await _part(request.app.state.service, f"{model}/{number}", METRICS)


@router.get("/{model}/{number}/manifest", response_class=Response, responses=READ)
async def manifest(request: Request, model: Model, number: Number, principal: Reader) -> Response:
    """Its `bundle.json`."""
    del principal
    return await _part(request.app.state.service, f"{model}/{number}", MANIFEST)


@router.get("/{model}/{number}/profile", response_model=Profile, responses=problems(401, 403, 404, 422, 429, 501, 503))
async def profile(request: Request, model: Model, number: Number, principal: Reader) -> Profile:
    """The reference histograms of its data."""
    del principal
    service: Service = request.app.state.service
    return await service.in_thread(_profile, service, f"{model}/{number}")


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
    """Load a further version in this process, for predictions that name it (`model=`)."""
    del principal
    service: Service = request.app.state.service

    def do() -> ModelVersion:
        found = Registry(service.store).get(f"{model}/{number}")
        service.fleet.load(found)
        return found

    return _detail(service, await service.in_thread(do))


@router.post("/{model}/{number}/unload", response_model=ModelDetail, responses=DECIDE)
async def unload(request: Request, model: Model, number: Number, principal: Operator) -> ModelDetail:
    """Free the memory of a further version; requests that use it finish."""
    del principal
    service: Service = request.app.state.service

    def do() -> ModelVersion:
        found = Registry(service.store).get(f"{model}/{number}")
        service.fleet.unload(found)
        return found

    return _detail(service, await service.in_thread(do))


def actor(principal: Principal) -> str:
    """Who stands in the audit: the key's owner; without keys, who runs the service on this machine."""
    return principal.name if principal.key_id is not None else current_actor()


def version_answer(service: Service, version: ModelVersion) -> VersionAnswer:
    """A version as the API shows it."""
    return VersionAnswer(**_shown(service, version))


async def _decide(service: Service, move: Callable[[Registry], Change]) -> ModelChange:
    """Make a move, and let this process follow it before the answer."""

    def do() -> tuple[Change, tuple[str, ...]]:
        change = move(Registry(service.store))
        service.fleet.follow()
        return change, service.fleet.problems

    change, told = await service.in_thread(do)
    return ModelChange(
        version=version_answer(service, change.version),
        replaced=version_answer(service, change.replaced) if change.replaced else None,
        warnings=[*change.warnings, *told],
    )


def _shown(service: Service, version: ModelVersion) -> dict[str, Any]:
    lineup = service.fleet.lineup
    champion = lineup.champion
    approval = version.approval
    return {
        "ref": version.ref,
        "model": version.model,
        "number": version.number,
        "state": version.state.value,
        "loaded": version.bundle_digest in {model.digest for model in lineup.all},
        "serving": champion is not None and champion.digest == version.bundle_digest,
        "bundle_digest": version.bundle_digest,
        "created_at": version.created_at,
        "metrics": dict(version.metrics),
        "gate": dict(version.gate),
        "gate_passed": version.gate_passed,
        "reasons": list(version.reasons),
        "licence": version.licence,
        "commercial_use": version.commercial_use,
        "approved_by": approval.by if approval else None,
        "approved_at": approval.at if approval else None,
        "approval_note": approval.note if approval else None,
        "override_reason": approval.override if approval else None,
    }


def _detail(service: Service, version: ModelVersion) -> ModelDetail:
    return ModelDetail(
        **_shown(service, version),
        fingerprints=dict(version.fingerprints),
        classes=list(version.classes),
        malignant=list(version.malignant),
        task=version.task,
    )


def _unregistered(model: LoadedModel) -> ModelDetail:
    found: BundleManifest = model.predictor.manifest
    return ModelDetail(
        ref=model.ref,
        model=model.name,
        loaded=True,
        serving=True,
        bundle_digest=model.digest,
        created_at=found.created_at,
        licence=found.licence,
        commercial_use=found.commercial_use,
        fingerprints=found.fingerprints.model_dump(),
        classes=list(found.classes),
        malignant=list(found.malignant),
        task=found.task,
    )


def _champion(service: Service) -> LoadedModel:
    champion = service.fleet.lineup.champion
    if champion is None:
        raise ProblemError(503, "no model is loaded yet; ask /ready.", headers={"Retry-After": "2"})
    return champion


def _served(service: Service) -> ModelDetail:
    champion = _champion(service)
    if champion.version is None:
        return _unregistered(champion)
    return _detail(service, Registry(service.store).get(champion.ref))


async def _part(service: Service, ref: str | None, name: str) -> Response:
    kind = "text/markdown; charset=utf-8" if name == CARD else "application/json"
    return Response(await service.in_thread(_content, service, ref, name), media_type=kind)


def _content(service: Service, ref: str | None, name: str) -> bytes:
    """A file of a version's bundle, or of the champion's that answers now."""
    if ref is None:
        champion = _champion(service)
        uri, digest = str(champion.predictor.path), champion.digest
    else:
        version = Registry(service.store).get(ref)
        uri, digest = version.bundle_uri, version.bundle_digest
    try:
        return read_bundle_file(uri, service.home, digest, name)
    except BundlePartError as error:
        raise ProblemError(404, str(error)) from error
    except BundleError as error:
        kept = served_manifest(service.store, digest) if name == MANIFEST else None
        if kept is not None:
            return kept.encode()
        service.log.warning("bundle_not_read", digest=digest, file=name, error=str(error))
        raise ProblemError(404, f"{name} of the bundle {digest[:12]} is gone or was changed.") from error


def _profile(service: Service, ref: str | None) -> Profile:
    content = _content(service, ref, PROFILE)
    try:
        polars = require("polars", "data")
    except MissingExtraError as error:
        raise ProblemError(501, str(error)) from error
    features: dict[str, list[Bin]] = {}
    for row in polars.read_parquet(io.BytesIO(content)).iter_rows(named=True):
        features.setdefault(row["feature"], []).append(
            Bin(low=row["low"], high=row["high"], level=row["level"], count=row["count"])
        )
    return Profile(features=features)
