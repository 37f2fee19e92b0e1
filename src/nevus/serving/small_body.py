"""Routes whose JSON body FastAPI reads: within limits, as every other body."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.responses import Response

from nevus.serving.bodies import read_body
from nevus.serving.errors import BODY, ProblemError

MOST_BYTES = 1_000_000


class SmallBodyRoute(APIRoute):
    """Reads the body first, at most a megabyte and in the request's time; FastAPI itself would wait for ever."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the usual handler."""
        inner = super().get_route_handler()
        if self.body_field is None:
            return inner

        async def handle(request: Request) -> Response:
            seconds = request.app.state.service.settings.timeout_seconds
            request._body = body = await read_body(request, most_bytes=MOST_BYTES, seconds=seconds)
            try:
                body.decode()
            except UnicodeDecodeError as error:
                raise ProblemError(422, f"the body is not UTF-8 (byte {error.start}).", field=BODY) from None
            return await inner(request)

        return handle
