"""Labelled images for the next training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.datastructures import UploadFile

from nevus.api import SampleBatches, SamplesAnswer
from nevus.imaging import DecodeLimits, UnreadableImageError
from nevus.serving.auth import Principal, needs
from nevus.serving.errors import BODY, KIND, ProblemError
from nevus.serving.forms import Form, read_form
from nevus.serving.samples import Intake, Offered, open_archive, take_in
from nevus.serving.samples.intake import KNOWN, NEEDED
from nevus.serving.samples.offered import plain_name
from nevus.serving.schemas import problems
from nevus.serving.service import Service
from nevus.serving.tables import read_table
from nevus.store.blobs import BlobStore
from nevus.store.samples import RejectedSample, list_batches

router = APIRouter(prefix="/v1/samples", tags=["samples"])

FILES_AN_ITEM = 10
"""An upload of samples may have so many times the images of a batch."""
_BINARY = {"type": "string", "format": "binary"}
_FORM = {
    "oneOf": [
        {
            "type": "object",
            "required": ["images", "table"],
            "properties": {"images": {"type": "array", "items": _BINARY, "minItems": 1}, "table": _BINARY},
        },
        {"type": "object", "required": ["archive"], "properties": {"archive": _BINARY}},
    ]
}
_BODY = {"required": True, "content": {"multipart/form-data": {"schema": _FORM}}}


@router.post(
    "",
    status_code=201,
    summary="Give labelled images",
    response_model=SamplesAnswer,
    responses=problems(400, 401, 403, 408, 409, 413, 415, 422, 429, 503),
    openapi_extra={"requestBody": _BODY},
)
async def add(request: Request, principal: Annotated[Principal, needs("clinician")]) -> Any:
    """Files in `images` with a CSV in `table`, or both in one zip in `archive`.

    The table's columns: file, diagnosis, and if known confirmed_by, age, sex, site, patient, lesion, licence,
    attribution, source. What isn't taken is named with its reason; a label never comes from a file's name.
    """
    service: Service = request.app.state.service
    if service.blobs is None:
        raise ProblemError(
            409, "this service keeps no pictures (serving.store_images), so it can take no samples.", field=BODY
        )
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "multipart/form-data":
        raise ProblemError(
            415, f"samples come as multipart/form-data, not {kind[:80] or 'of unknown type'}.", field=KIND
        )
    form = await read_form(
        request,
        {"images": UploadFile, "table": UploadFile, "archive": UploadFile},
        most_bytes=int(service.settings.max_upload_mb * 1e6),
        most_files=_most_files(service) + 1,
        seconds=service.settings.timeout_seconds,
    )
    try:
        async with service.uploads:
            taken = await service.in_thread(_take, service, service.blobs, form, principal)
    finally:
        await form.close()
    return {
        "batch_id": taken.batch.batch_id,
        "accepted": [
            {"name": one.name, "sample_id": one.sample_id, "warnings": list(one.warnings)}
            for one in reversed(taken.samples)
        ],
        "rejected": [{"name": one.name, "reason": one.reason, "message": one.message} for one in taken.rejected],
    }


@router.get(
    "/batches",
    summary="The uploads so far",
    response_model=SampleBatches,
    responses=problems(401, 403, 422, 429, 503),
)
async def batches(
    request: Request,
    principal: Annotated[Principal, needs("reader")],
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    before: Annotated[str | None, Query(max_length=64, description="batch_id: only those made before it")] = None,
) -> Any:
    """The newest first; accepted and rejected are counts."""
    del principal
    service: Service = request.app.state.service
    found = await service.in_thread(list_batches, service.store, before=before, limit=limit)
    return {
        "batches": [
            {
                "batch_id": one.batch_id,
                "created_at": one.created_at,
                "uploaded_by": one.uploaded_by,
                "accepted": one.accepted,
                "rejected": sum(one.rejected.values()),
            }
            for one in found
        ]
    }


def _take(service: Service, blobs: BlobStore, form: Form, principal: Principal) -> Intake:
    images, tables, archives = form.files_of("images"), form.files_of("table"), form.files_of("archive")
    if archives and (images or tables):
        raise ProblemError(422, "send an archive, or images with a table, not both.", field="archive")
    if not archives:
        if len(tables) != 1:
            raise ProblemError(422, f"there are {len(tables)} tables; send one.", field="table")
        offered = [Offered(plain_name(one.filename or ""), _reader(one, _most_one(service))) for one in images]
        return _store(service, blobs, principal, files=offered, table=tables[0].file.read(), refused=[], folder="")
    if len(archives) != 1:
        raise ProblemError(422, f"there are {len(archives)} archives; send one.", field="archive")
    with open_archive(
        archives[0].file,
        most_files=_most_files(service) + 1,
        most_bytes=int(service.settings.max_upload_mb * 1e6),
        most_file_bytes=_most_one(service),
    ) as archive:
        return _store(
            service,
            blobs,
            principal,
            files=archive.files,
            table=archive.table,
            refused=archive.refused,
            folder=archive.folder,
        )


def _store(
    service: Service,
    blobs: BlobStore,
    principal: Principal,
    *,
    files: list[Offered],
    table: bytes,
    refused: list[RejectedSample],
    folder: str,
) -> Intake:
    lines = read_table(table, needed=NEEDED, known=KNOWN, most_lines=2 * _most_files(service))
    return take_in(
        service.store,
        blobs,
        service.pseudonyms,
        files=files,
        lines=lines,
        refused=refused,
        folder=folder,
        limits=DecodeLimits(max_pixels=service.settings.max_pixels),
        by=principal.name,
        key_id=principal.key_id,
    )


def _reader(file: UploadFile, most_bytes: int) -> Callable[[], bytes]:
    def read() -> bytes:
        file.file.seek(0)
        data = file.file.read(most_bytes + 1)
        if len(data) > most_bytes:
            raise UnreadableImageError(f"the file has more than {most_bytes / 1e6:g} MB.", "unsupported")
        return data

    return read


def _most_files(service: Service) -> int:
    return FILES_AN_ITEM * service.settings.max_items


def _most_one(service: Service) -> int:
    return int(service.settings.max_body_mb * 1e6)
