"""The Open Inference Protocol v2 with its binary tensors, so that KServe and its clients work.

Input `image`: UINT8 [N, height, width, 3] framed pixels, with FP32 `metadata` [N, M] where the model has it; or BYTES
[N], whole files (base64 in JSON), which are decoded and framed as every image is. Whole files are pictures of somebody:
their predictions are stored like all others. Raw tensors are not: they have no picture that could be shown or labelled.
https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Request
from numpy.typing import NDArray
from starlette.responses import JSONResponse, Response

from nevus import __version__
from nevus.bundle import Metadata
from nevus.bundle.metadata import width as metadata_width
from nevus.serving.auth import Principal, needs
from nevus.serving.bodies import read_body
from nevus.serving.body_budget import JSON_FACTOR, expected_size
from nevus.serving.deadline import within
from nevus.serving.errors import ProblemError
from nevus.serving.inference_binary import EXTENSION, HEADER, MEDIA_TYPE, asks_binary
from nevus.serving.inference_errors import OnlyError, OnlyErrorRoute
from nevus.serving.inference_tensors import (
    InferenceRequest,
    Tensor,
    inference_answer,
    inlined_schema,
    read_request,
    stated_metadata,
    tensor_array,
    tensor_files,
)
from nevus.serving.judging import Judged, Subject, Task
from nevus.serving.lineup import LoadedModel
from nevus.serving.service import Service

IMAGE, METADATA = "image", "metadata"
_TEXTS = ("verdict", "diagnosis", "prediction_id")
"""Outputs for whole files only."""

router = APIRouter(prefix="/v2", tags=["Open Inference Protocol v2"], route_class=OnlyErrorRoute)


_FAILURES: dict[int | str, dict[str, Any]] = {
    status: {"model": OnlyError} for status in (400, 401, 403, 404, 408, 413, 415, 422, 429, 503)
}
_BODY = {
    "required": True,
    "content": {
        "application/json": {"schema": inlined_schema(InferenceRequest)},
        MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}},
    },
}


@router.get("", summary="What server is this?")
async def server() -> dict[str, Any]:
    """Its name, version and extensions."""
    return {"name": "nevus", "version": __version__, "extensions": [EXTENSION]}


@router.get("/health/live", summary="Is the process alive?")
async def live() -> dict[str, bool]:
    """At once."""
    return {"live": True}


@router.get("/health/ready", summary="May requests be sent here?", responses={503: {"model": OnlyError}})
async def ready(request: Request) -> Any:
    """503 until a bundle's self-test has passed."""
    if not request.app.state.service.fleet.ready:
        return JSONResponse({"ready": False, "error": "the model is being loaded."}, 503, headers={"Retry-After": "1"})
    return {"ready": True}


@router.get("/models/{name}/ready", responses=_FAILURES)
@router.get("/models/{name}/versions/{version}/ready", responses=_FAILURES)
async def model_ready(request: Request, name: str, version: str | None = None) -> dict[str, Any]:
    """Whether this model is loaded."""
    model = _model(request.app.state.service, name, version)
    return {"name": model.name, "version": _version(model), "ready": True}


@router.get("/models/{name}", responses=_FAILURES)
@router.get("/models/{name}/versions/{version}", responses=_FAILURES)
async def metadata(
    request: Request, name: str, principal: Annotated[Principal, needs("reader")], version: str | None = None
) -> dict[str, Any]:
    """Inputs and outputs. The image may be BYTES [-1] too: whole files in base64."""
    del principal
    service: Service = request.app.state.service
    model = _model(service, name, version)
    return {
        "name": model.name,
        "versions": [_version(other) for other in service.fleet.lineup.all if other.name == model.name],
        "platform": f"{model.predictor.manifest.runtime.engine}_onnx",
        "inputs": _inputs(model),
        "outputs": _outputs(model),
    }


@router.post("/models/{name}/infer", responses=_FAILURES, openapi_extra={"requestBody": _BODY})
@router.post("/models/{name}/versions/{version}/infer", responses=_FAILURES, openapi_extra={"requestBody": _BODY})
async def infer(
    request: Request, name: str, principal: Annotated[Principal, needs("clinician")], version: str | None = None
) -> Response:
    """Run the model. All its outputs come back, or those that are asked for; unusable files are refused.

    Tensors may follow the JSON as bytes, whose length the header `Inference-Header-Content-Length` then tells.
    """
    if request.headers.get("content-encoding", "identity") != "identity":
        raise ProblemError(415, "compressed bodies are not read; send it as it is.")
    service: Service = request.app.state.service
    model = _model(service, name, version)
    most = int(service.settings.max_body_mb * 1e6) * 4 // 3 + 4096
    with service.admission.inside(), service.bodies.held(JSON_FACTOR * expected_size(request, most)):
        data = await read_body(request, most_bytes=most, seconds=service.settings.timeout_seconds)
        async with within(service.settings.timeout_seconds):
            return await _inferred(request, model, data, principal)


async def _inferred(request: Request, model: LoadedModel, data: bytes, principal: Principal) -> Response:
    service: Service = request.app.state.service
    asked = await service.in_thread(read_request, data, request.headers.get(HEADER))
    given = {tensor.name: tensor for tensor in asked.inputs}
    image = given.get(IMAGE)
    if image is None:
        raise ProblemError(400, f"there is no input {IMAGE!r}; see the model's metadata.")
    if strange := sorted(set(given) - {IMAGE, *([METADATA] if metadata_width(_spec(model)) else [])}):
        raise ProblemError(400, f"the model has no input {strange[0]!r}; see its metadata.")
    named = [output.name for output in asked.outputs or []]
    known = [output["name"] for output in _outputs(model)] + (list(_TEXTS) if image.datatype == "BYTES" else [])
    if strange := [output for output in named if output not in known]:
        raise ProblemError(400, f"the model has no output {strange[0]!r}; it has {', '.join(known)}.")
    if image.datatype == "BYTES":
        if METADATA in given:
            raise ProblemError(400, "metadata goes with pixels; for files, age, sex and site are parameters.")
        files = await service.in_thread(tensor_files, image, service.settings.max_items)
        request_id = request.scope["nevus.request_id"]
        known_of = stated_metadata(asked.parameters)
        found = await _judge(service, model, files, known_of, key_id=principal.key_id, request_id=request_id)
    else:
        tensors = await service.in_thread(_tensors, model, given, service.settings.max_items)
        found = await service.compute(model.predictor.run_arrays, *tensors)
    chosen = named or list(found)
    answer = {"model_name": model.name, "model_version": _version(model)}
    answer |= {"id": asked.id} if asked.id is not None else {}
    told = {output.name: output.parameters for output in asked.outputs or []}
    binary = [output for output in chosen if asks_binary(asked.parameters, told.get(output, {}))]
    outputs = {output: found[output] for output in chosen}
    body, length = await service.in_thread(inference_answer, answer, outputs, binary)
    if length is None:
        return Response(body, media_type="application/json")
    return Response(body, media_type=MEDIA_TYPE, headers={HEADER: str(length)})


def _model(service: Service, name: str, version: str | None) -> LoadedModel:
    """The champion of this name, or the loaded version with this number or digest."""
    lineup = service.fleet.lineup
    if lineup.champion is None:
        raise ProblemError(503, "no model is loaded yet.", headers={"Retry-After": "2"})
    mine = [model for model in lineup.all if model.name == name]
    if version is not None:
        mine = [m for m in mine if version == str(m.version) or (len(version) >= 6 and m.digest.startswith(version))]
    if not mine:
        what = f"{name[:80]!r}" + (f" version {version[:80]!r}" if version is not None else "")
        raise ProblemError(404, f"the model {what} is not loaded.")
    return lineup.champion if lineup.champion in mine else mine[0]


def _version(model: LoadedModel) -> str:
    return str(model.version) if model.version is not None else model.digest[:12]


def _spec(model: LoadedModel) -> Any:
    return model.predictor.manifest.metadata


def _inputs(model: LoadedModel) -> list[dict[str, Any]]:
    size = model.predictor.manifest.input
    found: list[dict[str, Any]] = [{"name": IMAGE, "datatype": "UINT8", "shape": [-1, size.height, size.width, 3]}]
    if width := metadata_width(_spec(model)):
        found.append({"name": METADATA, "datatype": "FP32", "shape": [-1, width]})
    return found


def _outputs(model: LoadedModel) -> list[dict[str, Any]]:
    manifest = model.predictor.manifest
    classes = len(manifest.classes)
    shapes = {"probabilities": [-1, classes], "logits": [-1, classes], "embedding": [-1, -1], "evidence": [-1, -1, -1]}
    return [{"name": name, "datatype": "FP32", "shape": shapes.get(name, [-1])} for name in manifest.outputs]


def _tensors(
    model: LoadedModel, given: Mapping[str, Tensor], most: int
) -> tuple[NDArray[np.uint8], NDArray[np.float32] | None]:
    size = model.predictor.manifest.input
    image = given[IMAGE]
    if image.datatype != "UINT8" or image.shape[1:] != [size.height, size.width, 3] or len(image.shape) != 4:
        raise ProblemError(
            400, f"the input image must be UINT8 [N, {size.height}, {size.width}, 3], or BYTES [N] with whole files."
        )
    if not 1 <= image.shape[0] <= most:
        raise ProblemError(400, f"1 to {most} images may come at once.")
    pixels = tensor_array(image, np.dtype(np.int64))
    if pixels.min() < 0 or pixels.max() > 255:
        raise ProblemError(400, "the input image holds values outside 0 to 255.")
    known = None
    if METADATA in given:
        width = metadata_width(_spec(model))
        if given[METADATA].datatype != "FP32" or given[METADATA].shape != [image.shape[0], width]:
            raise ProblemError(400, f"the input metadata must be FP32 [{image.shape[0]}, {width}].")
        known = tensor_array(given[METADATA], np.dtype(np.float32))
        if not np.isfinite(known).all():
            raise ProblemError(400, "the input metadata holds values that are no numbers.")
    return pixels.astype(np.uint8), known


async def _judge(
    service: Service, model: LoadedModel, files: list[bytes], known: Metadata, *, key_id: str | None, request_id: str
) -> dict[str, Any]:
    """Judge whole files and store what came of each, as every prediction is."""
    arm = "champion" if model is service.fleet.lineup.champion else "pinned"
    jobs = [service.judge(Task(model, data, Subject(known), request_id, key_id, arm)) for data in files]
    results = await asyncio.gather(*jobs, return_exceptions=True)
    judged = [one for one in results if isinstance(one, Judged)]
    rows = [one.row for one in judged]
    await service.record(rows)
    for row in rows:
        service.metrics.judged(model.ref, row)
    for number, result in enumerate(results):
        if isinstance(result, ProblemError):
            raise ProblemError(result.status, f"image {number}: {result}") from result
        if isinstance(result, BaseException):
            raise result
        if result.prediction.verdict == "unusable":
            raise ProblemError(422, f"image {number} is unusable ({', '.join(result.prediction.reasons)}).")
    return _stacked(model, judged)


def _stacked(model: LoadedModel, judged: list[Judged]) -> dict[str, Any]:
    predictions = [one.prediction for one in judged]
    columns: dict[str, list[Any]] = {
        "probabilities": [list((p.probabilities or {}).values()) for p in predictions],
        "logits": [list((p.logits or {}).values()) for p in predictions],
        "embedding": [p.embedding for p in predictions],
        "ood_score": [p.ood_score for p in predictions],
        "evidence": [p.evidence for p in predictions],
    }
    found: dict[str, Any] = {
        name: np.array(columns[name], np.float32) for name in model.predictor.manifest.outputs if name in columns
    }
    texts = {name: [str(one.row[name]) for one in judged] for name in _TEXTS}
    return found | texts
