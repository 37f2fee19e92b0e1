"""How the Open Inference Protocol says that something failed: `{"error": ...}`, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from nevus.errors import NevusError
from nevus.serving import problems as problem_documents

Inner = Callable[[Request], Coroutine[Any, Any, Response]]


class OnlyError(BaseModel):
    """What this protocol says of every failure."""

    error: str


class OnlyErrorRoute(APIRoute):
    """A route whose every failure is `{"error": …}`."""

    def get_route_handler(self) -> Inner:
        """Wrap the usual handler."""
        inner = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                return await inner(request)
            except RequestValidationError as error:
                return _failure(problem_documents.invalid(error.errors(), None))
            except ValidationError as error:
                found = error.errors(include_url=False, include_context=False)
                return _failure(problem_documents.invalid(found, None))
            except HTTPException as error:
                return JSONResponse({"error": str(error.detail)}, error.status_code, headers=error.headers)
            except NevusError as error:
                status = problem_documents.status_of(error)
                if status < 500:
                    request.app.state.service.metrics.refused(None, status)
                return _failure(problem_documents.answer(error))

        return handle


def in_protocol(path: str, document: Response) -> Response:
    """A problem document as whoever asked for this path expects it."""
    return _failure(document) if path.startswith("/v2/") else document


def _failure(document: Response) -> Response:
    """A problem document as this protocol says it."""
    headers = {
        name: value for name, value in document.headers.items() if name not in ("content-type", "content-length")
    }
    said = json.loads(bytes(document.body))
    return JSONResponse({"error": said["detail"]}, document.status_code, headers=headers)
