"""Model versions: what there is, and what each says of itself."""

from __future__ import annotations

import io
from typing import Annotated

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from nevus.api import Bin, ModelDetail, ModelVersions, Profile
from nevus.bundle import BundleError
from nevus.bundle.directory import CARD, MANIFEST, METRICS, PROFILE
from nevus.errors import MissingExtraError, require
from nevus.serving.auth import Principal, needs
from nevus.serving.bundle_source import BundlePartError, read_bundle_file
from nevus.serving.errors import ProblemError
from nevus.serving.lineup import LoadedModel
from nevus.serving.model_answers import unregistered_detail, version_answer, version_detail
from nevus.serving.schemas import problems
from nevus.serving.service import Service
from nevus.store import Registry, entries
from nevus.store.predictions import served_manifest

router = APIRouter(prefix="/v1/models", tags=["models"])

READ = problems(401, 403, 404, 422, 429, 503)

Model = Annotated[str, Path(max_length=100)]
Number = Annotated[int, Path(ge=1, le=2**31 - 1)]
Reader = Annotated[Principal, needs("reader")]


@router.get("", summary="All versions", response_model=ModelVersions, responses=problems(401, 403, 429, 503))
async def models(request: Request, principal: Reader) -> ModelVersions:
    """The registry's, by name and the newest first; after a bundle that answers without being in it."""
    del principal
    service: Service = request.app.state.service
    versions = await service.in_thread(Registry(service.store).versions)
    lineup = service.fleet.lineup
    found = [version_answer(lineup, version) for version in versions]
    champion = lineup.champion
    if champion is not None and champion.version is None:
        found.insert(0, unregistered_detail(champion))
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
    return await service.in_thread(shown, service, f"{model}/{number}")


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


def shown(service: Service, ref: str) -> ModelDetail:
    """A version as it is now, with its history."""
    found = Registry(service.store).get(ref)
    return version_detail(service.fleet.lineup, found, entries(service.store, subject=found.ref))


def _champion(service: Service) -> LoadedModel:
    champion = service.fleet.lineup.champion
    if champion is None:
        raise ProblemError(503, "no model is loaded yet; ask /ready.", headers={"Retry-After": "2"})
    return champion


def _served(service: Service) -> ModelDetail:
    champion = _champion(service)
    if champion.version is None:
        return unregistered_detail(champion)
    return shown(service, champion.ref)


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
        raise ProblemError(404, str(error), field="model") from error
    except BundleError as error:
        kept = served_manifest(service.store, digest) if name == MANIFEST else None
        if kept is not None:
            return kept.encode()
        service.log.warning("bundle_not_read", digest=digest, file=name, error=str(error))
        raise ProblemError(404, f"{name} of the bundle {digest[:12]} is gone or was changed.", field="model") from error


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
