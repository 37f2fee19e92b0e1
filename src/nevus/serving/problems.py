"""What went wrong, as problem documents (RFC 9457). The only place where errors meet HTTP status codes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from nevus.bundle import BundleError
from nevus.bundle.metadata import MetadataError
from nevus.errors import InputError, NevusError, StorageFullError
from nevus.imaging import UnreadableImageError
from nevus.serving.errors import BODY, ProblemError
from nevus.serving.loader import NotLoadableError
from nevus.store.database import StoreAddressError
from nevus.store.failures import StoreError, StoreUnreachableError
from nevus.store.labels import ConflictingLabelError
from nevus.store.predictions import UnknownPredictionError
from nevus.store.pseudonyms import PseudonymSecretError
from nevus.store.registry import ApprovalError, TransitionError, UnknownVersionError
from nevus.store.rollout import FurtherVersionError
from nevus.store.schema import ForeignDatabaseError, SchemaTooNewError

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = 1
_PLACES = ("body", "query", "path")

STORE_FAILURES = (StoreError, StoreUnreachableError, StorageFullError)

HANDLED = (HTTPException, RequestValidationError, ValidationError, NevusError)
"""What is raised on purpose; anything else is a defect."""

_STATUS: tuple[tuple[type[Exception], int], ...] = (
    (UnreadableImageError, 422),
    (MetadataError, 422),
    (UnknownVersionError, 404),
    (UnknownPredictionError, 404),
    (ConflictingLabelError, 409),
    (TransitionError, 409),
    (ApprovalError, 409),
    (NotLoadableError, 409),
    (FurtherVersionError, 409),
    *((kind, 503) for kind in STORE_FAILURES),
    *((kind, 503) for kind in (SchemaTooNewError, ForeignDatabaseError, StoreAddressError, PseudonymSecretError)),
    (BundleError, 503),
    (InputError, 422),
)
"""The first that fits counts."""
_FIELDS: tuple[tuple[type[Exception], str], ...] = (
    (UnknownVersionError, "model"),
    (TransitionError, "model"),
    (NotLoadableError, "model"),
    (FurtherVersionError, "model"),
    (InputError, BODY),
)
"""What of the request an error is about that doesn't say so itself."""


def problem(
    status: int, detail: str, *, headers: Mapping[str, str] | None = None, request_id: str | None = None, **more: Any
) -> Response:
    """A problem document; `field` among `more` names what was wrong in the request."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail, **more}
    if request_id:
        body["request_id"] = request_id
    return Response(
        json.dumps(body, ensure_ascii=False), status_code=status, media_type=MEDIA_TYPE, headers=dict(headers or {})
    )


def answer(error: Exception, request_id: str | None = None) -> Response:
    """The document for an error that was raised on purpose."""
    if isinstance(error, ProblemError):
        return problem(error.status, str(error), headers=error.headers, request_id=request_id, **error.more)
    status = status_of(error)
    if status >= 500:
        headers = {"Retry-After": str(RETRY_SECONDS)}
        if isinstance(error, STORE_FAILURES):
            detail = "the store can't be reached or written right now; nothing was lost. Try again."
        else:
            detail = "the service can't answer this right now. Try again."
        return problem(503 if status == 503 else 500, detail, headers=headers, request_id=request_id)
    return problem(status, _said(error), request_id=request_id, **_more(error))


def status_of(error: Exception) -> int:
    """The HTTP status that an error means."""
    if isinstance(error, ProblemError):
        return error.status
    return next((code for kind, code in _STATUS if isinstance(error, kind)), 500)


def refusal(error: Exception) -> dict[str, Any]:
    """What is wrong with one part of a request, whose other parts are answered: status, detail, field, reason."""
    if isinstance(error, ValidationError):
        fields = _fields(error.errors(include_url=False, include_context=False))
        return {"status": 422, "detail": _told(fields), "field": fields[0]["field"], "reason": None}
    if isinstance(error, ProblemError):
        status, more = error.status, error.more
    else:
        status, more = status_of(error), _more(error)
    return {"status": status, "detail": _said(error), "field": more.get("field"), "reason": more.get("reason")}


def install(app: FastAPI) -> None:
    """Let the application answer every error by a problem document."""

    async def handle(request: Request, error: Exception) -> Response:
        return handled(request, error)

    for kind in HANDLED:
        app.add_exception_handler(kind, handle)


def handled(request: Request, error: Exception) -> Response:
    """The document for an error of one of the kinds `HANDLED`; counted or logged, as it deserves."""
    service, request_id = request.app.state.service, _request_id(request)
    if isinstance(error, HTTPException):
        more = {"field": BODY} if error.status_code == HTTPStatus.BAD_REQUEST else {}
        return problem(error.status_code, str(error.detail), headers=error.headers, request_id=request_id, **more)
    if isinstance(error, RequestValidationError):
        service.metrics.refused("invalid", 422)
        return invalid(error.errors(), request_id)
    if isinstance(error, ValidationError):
        service.metrics.refused("invalid", 422)
        return invalid(error.errors(include_url=False, include_context=False), request_id)
    status = status_of(error)
    if status < 500:
        service.metrics.refused(refusal(error)["reason"], status)
    elif not isinstance(error, ProblemError):
        service.log.warning("failed", request_id=request_id, error=str(error))
    return answer(error, request_id)


def invalid(errors: Any, request_id: str | None) -> Response:
    """422, naming each field and what is wrong with it."""
    found = _fields(errors)
    return problem(422, _told(found), request_id=request_id, field=found[0]["field"] if found else None, errors=found)


def _fields(errors: Any) -> list[dict[str, str]]:
    return [{"field": _field(e), "message": e["msg"]} for e in errors]


def _field(error: Mapping[str, Any]) -> str:
    if error["type"] == "json_invalid":  # whose place is a position in the text
        return BODY
    return ".".join(str(part) for part in error["loc"] if part not in _PLACES) or BODY


def _told(fields: list[dict[str, str]]) -> str:
    return "; ".join(f"{e['field']}: {e['message']}" for e in fields)


def _said(error: Exception) -> str:
    return error.said if isinstance(error, TransitionError) else str(error)


def _more(error: Exception) -> dict[str, Any]:
    """Which field of the request an error is about, where it says so."""
    if isinstance(error, UnreadableImageError):
        return {"reason": error.reason, "field": "image"}
    if isinstance(error, ConflictingLabelError):
        return {"field": "diagnosis", "existing": error.label_id}
    field = getattr(error, "field", None)
    if not isinstance(field, str):
        field = next((name for kind, name in _FIELDS if isinstance(error, kind)), None)
    more: dict[str, Any] = {"field": field} if field else {}
    if isinstance(error, TransitionError) and error.reasons:
        more["reasons"] = list(error.reasons)
    return more


def _request_id(request: Request) -> str | None:
    found: str | None = request.scope.get("nevus.request_id")
    return found
