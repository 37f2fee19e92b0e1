"""Labels: what people say that images show."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.datastructures import UploadFile

from nevus.api import BulkLabels, LabelAnswer, Labels
from nevus.errors import InputError
from nevus.serving.answers import label_answer
from nevus.serving.auth import Principal, needs
from nevus.serving.body_budget import expected_size
from nevus.serving.errors import KIND, ProblemError
from nevus.serving.forms import read_form, read_upload
from nevus.serving.problems import refusal
from nevus.serving.schemas import problems
from nevus.serving.service import Service
from nevus.serving.small_body import SmallBodyRoute
from nevus.serving.tables import read_table
from nevus.store import labels as store_labels
from nevus.store.labels import ConflictingLabelError, Label, NewLabel
from nevus.store.labels.new_label import LONGEST_NOTE
from nevus.store.predictions import find_prediction

router = APIRouter(prefix="/v1/labels", tags=["labels"], route_class=SmallBodyRoute)

MOST_LINES = 10_000


class Said(BaseModel):
    """A label as it is sent. Who says so is the owner of the key, and never a field."""

    model_config = ConfigDict(extra="forbid")

    prediction_id: str | None = Field(default=None, max_length=64, description="whose image it is; or image_hash")
    image_hash: str | None = Field(default=None, max_length=64, description="SHA-256 of the image as it was sent")
    diagnosis: str = Field(max_length=40, description="a code of GET /v1/diagnoses")
    confirmed_by: str | None = Field(default=None, description="histology, confocal, follow_up or consensus")
    confirmed_on: date | None = None
    note: str | None = Field(default=None, max_length=LONGEST_NOTE)
    replaces: str | None = Field(default=None, max_length=64, description="id of the label that this one corrects")

    def new_label(self) -> NewLabel:
        """The same for the store."""
        return NewLabel(**self.model_dump())


_NEEDED = ("diagnosis",)
_KNOWN = tuple(name for name in Said.model_fields if name not in _NEEDED)
_FILE = {"type": "object", "required": ["table"], "properties": {"table": {"type": "string", "format": "binary"}}}
_BODY = {
    "required": True,
    "content": {"text/csv": {"schema": {"type": "string"}}, "multipart/form-data": {"schema": _FILE}},
}


@router.post(
    "",
    status_code=201,
    summary="Say what an image shows",
    response_model=LabelAnswer,
    responses=problems(400, 401, 403, 404, 409, 422, 429, 503),
)
async def add(request: Request, said: Said, principal: Annotated[Principal, needs("clinician")]) -> Any:
    """A better confirmed label supersedes; an equally confirmed one that says otherwise is refused (409, `existing`).

    To correct a label, name it in `replaces`. None is ever lost.
    """
    service: Service = request.app.state.service
    labels = store_labels.Labels(service.store)
    try:
        added = await service.in_thread(labels.add, said.new_label(), by=principal.name, key_id=principal.key_id)
    except ConflictingLabelError as error:
        raise ProblemError(409, str(error), field="diagnosis", existing=error.label_id) from error
    return label_answer(added)


@router.post(
    "/bulk",
    summary="Add labels from a table",
    response_model=BulkLabels,
    responses=problems(400, 401, 403, 408, 413, 415, 422, 429, 503),
    openapi_extra={"requestBody": _BODY},
)
async def add_table(request: Request, principal: Annotated[Principal, needs("clinician")]) -> Any:
    """CSV whose columns are the fields of a label. Each line has its label or its own error."""
    service: Service = request.app.state.service
    with service.bodies.held(expected_size(request, _most_bytes(service))):
        return await service.in_thread(_add_table, service, await _table(request, service), principal)


@router.get(
    "",
    summary="All that was said of an image",
    response_model=Labels,
    responses=problems(401, 403, 404, 422, 429, 503),
)
async def history(
    request: Request,
    principal: Annotated[Principal, needs("reader")],
    image_hash: Annotated[str | None, Query(max_length=64)] = None,
    prediction_id: Annotated[str | None, Query(max_length=64)] = None,
) -> Any:
    """The newest first; the one that counts has no `superseded_by`."""
    del principal
    service: Service = request.app.state.service
    if (image_hash is None) == (prediction_id is None):
        raise ProblemError(422, "name the image by image_hash or by prediction_id.", field="image_hash")
    if prediction_id is not None:
        image_hash = (await service.in_thread(find_prediction, service.store, prediction_id)).image_hash
    found = await service.in_thread(store_labels.Labels(service.store).history, image_hash or "")
    return {"labels": [label_answer(label) for label in found]}


async def _table(request: Request, service: Service) -> bytes:
    most_bytes, seconds = _most_bytes(service), service.settings.timeout_seconds
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "text/csv":
        return await read_upload(request, most_bytes=most_bytes, seconds=seconds)
    if kind != "multipart/form-data":
        raise ProblemError(
            415, f"a table is text/csv or multipart/form-data, not {kind[:80] or 'of unknown type'}.", field=KIND
        )
    form = await read_form(request, {"table": UploadFile}, most_bytes=most_bytes, most_files=1, seconds=seconds)
    try:
        files = form.files_of("table")
        if not files:
            raise ProblemError(422, "the form has no file in the field table.", field="table")
        return await files[0].read()
    finally:
        await form.close()


def _most_bytes(service: Service) -> int:
    return int(service.settings.max_body_mb * 1e6)


def _add_table(service: Service, table: bytes, principal: Principal) -> dict[str, Any]:
    lines = read_table(table, needed=_NEEDED, known=_KNOWN, most_lines=MOST_LINES)
    results: list[dict[str, Any]] = []
    new: list[NewLabel] = []
    waiting: list[dict[str, Any]] = []
    for line in lines:
        results.append({"line": line.line})
        try:
            new.append(Said.model_validate(line.values).new_label())
            waiting.append(results[-1])
        except ValidationError as error:
            results[-1]["error"] = refusal(error)
    labels = store_labels.Labels(service.store)
    stored = labels.add_many(new, by=principal.name, key_id=principal.key_id) if new else []
    for result, outcome in zip(waiting, stored, strict=True):
        result.update(_told(outcome))
    return {"added": sum("label" in result for result in results), "results": results}


def _told(outcome: Label | InputError) -> Mapping[str, Any]:
    if isinstance(outcome, Label):
        return {"label": label_answer(outcome)}
    existing = {"existing": outcome.label_id} if isinstance(outcome, ConflictingLabelError) else {}
    return {"error": refusal(outcome) | existing}
