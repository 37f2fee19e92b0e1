"""Routes that are asked most, answered before the framework, whose layers these routes don't need."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from fastapi import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from nevus.serving.problems import HANDLED, handled

Endpoint = Callable[[Request], Awaitable[Response]]


class FastRoutes:
    """ASGI middleware: a request whose method and path are named here goes to its endpoint, all others on.

    The endpoint checks its caller itself. Its errors are answered as the application's are.
    """

    def __init__(self, app: ASGIApp, routes: Mapping[tuple[str, str], Endpoint]) -> None:
        self._app, self._routes = app, routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        endpoint = self._routes.get((scope["method"], scope["path"])) if scope["type"] == "http" else None
        if endpoint is None:
            await self._app(scope, receive, send)
            return
        scope["nevus.route"] = scope["path"]
        request = Request(scope, receive)
        try:
            response = await endpoint(request)
        except HANDLED as error:
            response = handled(request, error)
        await response(scope, receive, send)
