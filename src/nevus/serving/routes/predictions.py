"""Predictions: made, stored before they are answered, and read back."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Header, Request, Security
from starlette.responses import Response

from nevus.bundle import Metadata
from nevus.serving.answers import prediction_answer, stored_answer
from nevus.serving.auth import BEARER, Principal, needs, principal_of, require_role
from nevus.serving.bodies import Asked, AskedWithImages, Body, read_images
from nevus.serving.body_budget import expected_size
from nevus.serving.deadline import within
from nevus.serving.errors import ProblemError
from nevus.serving.idempotency import Repeat
from nevus.serving.judging import Judged, Subject, Task
from nevus.serving.lesion import lesion_answer
from nevus.serving.routing import Route, choose
from nevus.serving.schemas import LesionAnswers, PredictionAnswer, problems
from nevus.serving.service import Service
from nevus.store.columns import now
from nevus.store.failures import StoreError
from nevus.store.predictions import find_prediction
from nevus.store.serving_tables import IdempotentAnswerRow, LesionAnswerRow

router = APIRouter(prefix="/v1/predictions", tags=["predictions"])

_BINARY = {"schema": {"type": "string", "format": "binary"}}
_FORM = {
    "type": "object",
    "required": ["image"],
    "properties": {
        "image": {"type": "array", "items": {"type": "string", "format": "binary"}, "minItems": 1},
        **Asked.model_json_schema()["properties"],
    },
}
_BODY = {
    "required": True,
    "content": {
        "image/jpeg": _BINARY,
        "image/png": _BINARY,
        "multipart/form-data": {"schema": _FORM},
        "application/json": {"schema": AskedWithImages.model_json_schema()},
    },
}
_QUERY = [
    {"name": name, "in": "query", "required": False, "schema": schema, "description": schema.get("description", "")}
    for name, schema in Asked.model_json_schema()["properties"].items()
]


@router.post(
    "",
    summary="Judge an image, or several of one lesion",
    response_model=PredictionAnswer | LesionAnswers,
    responses=problems(400, 401, 403, 404, 408, 413, 415, 422, 429, 503),
    openapi_extra={"requestBody": _BODY, "parameters": _QUERY},
    dependencies=[Security(BEARER)],
)
async def described(request: Request, idempotency_key: Annotated[str | None, Header()] = None) -> Response:  # noqa: ARG001
    """An image as it is (`image/jpeg`, `image/png`; what is known of the patient in the query), as a form, or as JSON.

    Several images are taken to show one lesion, and get one answer on the lesion besides each image's own.
    """
    return await predict(request)


async def predict(request: Request) -> Response:
    """Answer what `described` describes."""
    service: Service = request.app.state.service
    principal = require_role(await principal_of(request), "clinician")
    settings = service.settings
    most_bytes = int(settings.max_body_mb * 1e6)
    with service.admission.inside(), service.bodies.held(expected_size(request, most_bytes)):
        body = await read_images(
            request,
            most_bytes=most_bytes,
            most_items=settings.max_items,
            seconds=settings.timeout_seconds,
        )
        repeat = None
        if (key := request.headers.get("idempotency-key")) is not None:
            repeat = await service.in_thread(Repeat.of, key, principal.key_id, request.scope["path"], body)
            if (before := await service.in_thread(repeat.find, service.store)) is not None:
                return _json(before)
        async with within(settings.timeout_seconds):
            answer = await judge_and_record(service, body, principal, request.scope["nevus.request_id"], repeat)
        return _json(answer)


FAST_ROUTES = {("POST", "/v1/predictions"): predict}


@router.get(
    "/{prediction_id}",
    summary="Read a prediction back",
    response_model=PredictionAnswer,
    responses=problems(401, 403, 404, 422, 429, 503),
)
async def read(
    request: Request, prediction_id: str, principal: Annotated[Principal, needs("reader")], explain: bool = False
) -> Any:
    """As it was answered, with the label that counts for its image."""
    del principal
    service: Service = request.app.state.service
    return stored_answer(await service.in_thread(find_prediction, service.store, prediction_id), explain=explain)


def subject_of(service: Service, asked: Asked) -> Subject:
    """What was said of the patient, with keys turned into pseudonyms."""
    names = service.pseudonyms
    return Subject(
        Metadata(asked.age, asked.sex, asked.site),
        names.patient(asked.patient) if asked.patient else None,
        names.lesion(asked.patient, asked.lesion) if asked.lesion else None,
    )


async def judge_and_record(
    service: Service, body: Body, principal: Principal, request_id: str, repeat: Repeat | None
) -> bytes:
    """Judge all images of a request, store the answers in one transaction, and give the response's body."""
    asked = body.asked
    subject = subject_of(service, asked)
    route = choose(
        service, asked.model, patient=subject.patient_hash, lesion=subject.lesion_hash, request_id=request_id
    )
    judged = await _judge_all(service, route, body, subject, key_id=principal.key_id, request_id=request_id)
    rows = [one.row for one in judged]
    answers = [prediction_answer(row, explain=asked.explain) for row in rows]
    for answer, name in zip(answers, body.names, strict=True):
        if name is not None:
            answer["name"] = name
    lesion = lesion_answer(route.model.predictor.manifest, rows) if len(rows) > 1 else None
    whole: dict[str, Any] = answers[0]
    if lesion is not None:
        whole = {"request_id": request_id, "lesion": lesion, "predictions": answers}
    text = json.dumps(whole, ensure_ascii=False).encode()

    def also(connection: sa.Connection) -> None:
        if lesion is not None:
            connection.execute(sa.insert(LesionAnswerRow), _lesion_row(rows, lesion))
        if repeat is not None:
            connection.execute(sa.insert(IdempotentAnswerRow), repeat.row(text))

    try:
        await service.record(rows, also if lesion is not None or repeat is not None else None)
    except StoreError as error:
        twice = repeat if isinstance(error.__cause__, sa.exc.IntegrityError) else None
        before = await service.in_thread(twice.find, service.store) if twice else None
        if before is None:
            raise
        return before  # the same request came twice at once, and the other was first
    for row in rows:
        service.metrics.judged(route.model.ref, row)
    if route.shadow is not None:
        service.shadows.put(route.shadow, body.images, subject, rows)
    return text


async def _judge_all(
    service: Service, route: Route, body: Body, subject: Subject, *, key_id: str | None, request_id: str
) -> list[Judged]:
    jobs = [service.judge(Task(route.model, image, subject, request_id, key_id, route.arm)) for image in body.images]
    if len(jobs) == 1:
        return [await jobs[0]]
    found = await asyncio.gather(*jobs, return_exceptions=True)
    for number, one in enumerate(found):
        if isinstance(one, ProblemError):
            one.more["field"] = f"images.{number}"
        if isinstance(one, BaseException):
            raise one
    return [one for one in found if isinstance(one, Judged)]


def _lesion_row(rows: list[dict[str, Any]], lesion: dict[str, Any]) -> dict[str, Any]:
    first = rows[0]
    shared = ("request_id", "model", "version", "bundle_digest", "patient_hash", "lesion_hash")
    return {
        "lesion_answer_id": lesion["lesion_answer_id"],
        "created_at": now(),
        "prediction_ids": [row["prediction_id"] for row in rows],
        "answer": lesion,
        **{name: first[name] for name in shared},
    }


def _json(body: bytes) -> Response:
    return Response(body, media_type="application/json")
