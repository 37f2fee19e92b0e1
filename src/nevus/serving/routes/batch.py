"""Many images of different lesions in one request."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Header, Query, Request
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from starlette.datastructures import UploadFile
from starlette.responses import Response

from nevus.api import BatchAnswer
from nevus.serving.auth import Principal, needs
from nevus.serving.batch import LONGEST_NAME, Batch, Item, Said, judge_batch
from nevus.serving.body_budget import JSON_FACTOR, expected_size
from nevus.serving.csv_text import csv_response, prediction_columns, prediction_line, wants_csv
from nevus.serving.deadline import within
from nevus.serving.errors import KIND, ProblemError
from nevus.serving.forms import read_form, read_upload
from nevus.serving.idempotency import Repeat
from nevus.serving.schemas import problems
from nevus.serving.service import Service
from nevus.store.failures import StoreError
from nevus.store.serving_tables import IdempotentAnswerRow

router = APIRouter(prefix="/v1/predictions", tags=["predictions"])


class _Sent(BaseModel):
    """The JSON body. What is wrong inside an item is that item's own error."""

    model_config = ConfigDict(extra="forbid")

    items: list[Any] = Field(min_length=1)


class _SentItem(Said):
    """An item of the JSON body."""

    image: str = Field(description="base64 of the file")


_METADATA = TypeAdapter(list[Any])
_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["items"],
    "additionalProperties": False,
    "properties": {"items": {"type": "array", "minItems": 1, "items": _SentItem.model_json_schema()}},
}
_FORM = {
    "type": "object",
    "required": ["images"],
    "properties": {
        "images": {"type": "array", "minItems": 1, "items": {"type": "string", "format": "binary"}},
        "metadata": {"type": "string", "description": "JSON: a list of {name, age, sex, site, patient, lesion}"},
    },
}
_BODY = {
    "required": True,
    "content": {"multipart/form-data": {"schema": _FORM}, "application/json": {"schema": _SCHEMA}},
}
_JSON_BODIES = 5
"""A batch as JSON lies in memory several times over, so it may have so many largest images; a form has many more."""
_ERROR_COLUMNS = ("error_status", "error_detail", "error_field", "error_reason")
_CSV = {"text/csv": {"schema": {"type": "string"}}}


@router.post(
    "/batch",
    summary="Judge many images",
    response_model=BatchAnswer,
    responses={200: {"content": _CSV}, **problems(400, 401, 403, 404, 408, 413, 415, 422, 429, 503)},
    openapi_extra={"requestBody": _BODY},
)
async def batch(
    request: Request,
    principal: Annotated[Principal, needs("clinician")],
    model: Annotated[str | None, Query(min_length=1, max_length=200, description="a loaded version")] = None,
    idempotency_key: Annotated[str | None, Header()] = None,
) -> Response:
    """Each image has its own answer or its own error, in the order in which they were sent.

    As a form with files in `images` and what is known of them in `metadata`, or as JSON. With `Accept: text/csv` a
    table of one line an image.
    """
    service: Service = request.app.state.service
    service.admit()
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        form = await read_form(
            request,
            {"images": UploadFile, "metadata": str},
            most_bytes=_most_bytes(service),
            most_files=service.settings.max_items,
            seconds=service.settings.timeout_seconds,
        )
        try:
            items = _from_form(form.files_of("images"), form.texts.get("metadata"), _most_image(service))
            answer = await _answered(request, principal, items, model=model, idempotency_key=idempotency_key)
        finally:
            await form.close()
    elif kind == "application/json":
        most_bytes = min(_most_bytes(service), _JSON_BODIES * _most_image(service))
        with service.bodies.held(JSON_FACTOR * expected_size(request, most_bytes)):
            data = await read_upload(request, most_bytes=most_bytes, seconds=service.settings.timeout_seconds)
            items = await service.in_thread(_from_json, data, service.settings.max_items, _most_image(service))
            del data
            answer = await _answered(request, principal, items, model=model, idempotency_key=idempotency_key)
    else:
        raise ProblemError(
            415,
            f"a batch is multipart/form-data or application/json, not {kind[:80] or 'of unknown type'}.",
            field=KIND,
        )
    return _as_csv(json.loads(answer)) if wants_csv(request) else Response(answer, media_type="application/json")


async def _answered(
    request: Request, principal: Principal, items: Sequence[Item], *, model: str | None, idempotency_key: str | None
) -> bytes:
    service: Service = request.app.state.service
    repeat = None
    if idempotency_key is not None:
        repeat = Repeat.under(idempotency_key, principal.key_id, await _fingerprint(request, items, model))
        before = await service.in_thread(repeat.find, service.store)
        if before is not None:
            return before
    request_id = request.scope["nevus.request_id"]
    async with within(service.settings.timeout_seconds + len(items)):
        judged = await judge_batch(service, items, model=model, key_id=principal.key_id, request_id=request_id)
        whole = {"request_id": request_id, "results": judged.results, "totals": judged.totals()}
        text = json.dumps(whole, ensure_ascii=False).encode()
        return await _recorded(service, judged, text, repeat)


async def _recorded(service: Service, judged: Batch, text: bytes, repeat: Repeat | None) -> bytes:
    def also(connection: sa.Connection) -> None:
        if repeat is not None:
            connection.execute(sa.insert(IdempotentAnswerRow), repeat.row(text))

    try:
        await service.record(judged.rows, also)
    except (StoreError, sa.exc.IntegrityError):
        before = await service.in_thread(repeat.find, service.store) if repeat else None
        if before is None:
            raise
        return before  # the same request came twice at once, and the other was first
    for row, model in zip(judged.rows, judged.models, strict=True):
        service.metrics.judged(model.ref, row)
    for shadow, data, subject, row in judged.shadowed:
        service.shadows.put(shadow, [data], subject, [row])
    return text


def _from_form(files: Sequence[UploadFile], metadata: str | None, most_image: int) -> list[Item]:
    if not files:
        raise ProblemError(422, "the form has no file in the field images.", field="images")
    names = [(file.filename or f"image {number}")[:LONGEST_NAME] for number, file in enumerate(files, start=1)]
    try:
        told = _METADATA.validate_json(metadata) if metadata else []
    except ValidationError as error:
        raise ProblemError(422, "metadata is not JSON of a list of objects.", field="metadata") from error
    said = _matched(names, told)
    return [Item(name, _reader(file, most_image), one) for name, file, one in zip(names, files, said, strict=True)]


def _reader(file: UploadFile, most_image: int) -> Callable[[], Awaitable[bytes]]:
    async def read() -> bytes:
        _check_size(file.size or 0, most_image)
        await file.seek(0)
        return await file.read()

    return read


def _matched(names: Sequence[str], metadata: Sequence[Any]) -> list[Any]:
    """What is said of each file: by position where all names agree in their order, else by name."""
    told = [one.get("name") if isinstance(one, Mapping) else None for one in metadata]
    if told == list(names):
        return list(metadata)
    strange = next((name for name in told if name not in names), None) if metadata else None
    if None in told or strange is not None:
        what = "an entry without a name" if None in told else f"{str(strange)[:80]!r}, which is none of the files"
        raise ProblemError(422, f"metadata has {what}; each entry names its file.", field="metadata")
    twice = next((name for name in told if told.count(name) > 1), None)
    if twice is not None:
        raise ProblemError(422, f"metadata has {str(twice)[:80]!r} twice.", field="metadata")
    by_name = dict(zip(told, metadata, strict=True))
    return [by_name.get(name, {"name": name}) for name in names]


def _from_json(data: bytes, most_items: int, most_image: int) -> list[Item]:
    sent = _Sent.model_validate_json(data).items
    if len(sent) > most_items:
        raise ProblemError(422, f"{len(sent)} items are more than the {most_items} that are allowed.", field="items")
    return [_json_item(one, number, most_image) for number, one in enumerate(sent, start=1)]


def _json_item(sent: Any, number: int, most_image: int) -> Item:
    if not isinstance(sent, Mapping):
        return Item(None, _broken("an item is an object with the field image.", "items"), {})
    coded = sent.get("image")
    name = sent.get("name")
    shown = name[:LONGEST_NAME] if isinstance(name, str) else f"image {number}"
    rest = {key: value for key, value in sent.items() if key != "image"}
    if not isinstance(coded, str):
        return Item(shown, _broken("there is no image; give its base64 in the field image.", "image"), rest)

    async def read() -> bytes:
        _check_size(len(coded) * 3 // 4 - 2, most_image)
        try:
            return base64.b64decode(coded, validate=True)
        except (binascii.Error, ValueError) as error:
            raise ProblemError(422, f"image is not valid base64 ({error}).", field="image") from error

    return Item(shown, read, rest)


def _check_size(size: int, most: int) -> None:
    if size > most:
        raise ProblemError(413, f"the image has more than the {most / 1e6:g} MB allowed for one.", field="image")


def _broken(detail: str, field: str) -> Callable[[], Awaitable[bytes]]:
    async def read() -> bytes:
        raise ProblemError(422, detail, field=field)

    return read


async def _fingerprint(request: Request, items: Sequence[Item], model: str | None) -> str:
    """Of all that was asked: an unreadable item counts by its error."""
    digest = hashlib.sha256(request.url.path.encode())
    for item in items:
        try:
            content = await item.read()
        except ProblemError as error:
            content = str(error).encode()
        digest.update(hashlib.sha256(content).digest())
        digest.update(json.dumps([model, item.name, item.said], sort_keys=True).encode())
    return digest.hexdigest()


def _as_csv(answer: Mapping[str, Any]) -> Response:
    results = answer["results"]
    given = [one["prediction"] for one in results if "prediction" in one]
    columns = [name for name in prediction_columns(given) if name not in ("name", "label", "label_confirmed_by")]
    return csv_response([_csv_line(one) for one in results], ["name", *columns, *_ERROR_COLUMNS], {})


def _csv_line(result: Mapping[str, Any]) -> dict[str, Any]:
    answered = prediction_line(result["prediction"]) if "prediction" in result else {}
    error = {f"error_{name}": value for name, value in result.get("error", {}).items()}
    return {**answered, **error, "name": result["name"]}


def _most_image(service: Service) -> int:
    return int(service.settings.max_body_mb * 1e6)


def _most_bytes(service: Service) -> int:
    return int(service.settings.max_upload_mb * 1e6)
