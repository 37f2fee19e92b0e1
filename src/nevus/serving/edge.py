"""The outermost layer: request ids, headers that protect, one log line and one measurement a request."""

from __future__ import annotations

import re
from time import perf_counter
from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nevus.serving.documentation import CONTENT_POLICY, PAGE
from nevus.serving.problems import problem
from nevus.serving.same_machine import asks_loopback
from nevus.store.ids import new_id

if TYPE_CHECKING:
    from nevus.serving.service import Service

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_PROTECT = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
]
_PROTECT_PAGE = [*_PROTECT[:3], (b"content-security-policy", CONTENT_POLICY)]
_TLS_ONLY = (b"strict-transport-security", b"max-age=31536000")
"""Not said of this machine's own names: it would count for whatever else answers here, on every port."""
_QUIET = ("/health", "/ready", "/metrics")


class Edge:
    """ASGI middleware round the whole application."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app, self._service = app, service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = perf_counter()
        given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
        request_id = given.decode() if _REQUEST_ID.fullmatch(given) else new_id()
        scope["nevus.request_id"] = request_id
        status = 0
        protect = _PROTECT_PAGE if scope["path"].startswith(PAGE) else _PROTECT

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = message.setdefault("headers", [])
                headers.append((b"x-request-id", request_id.encode()))
                headers.extend(protect)
                if scope.get("scheme") == "https" and not asks_loopback(Headers(scope=scope)):
                    headers.append(_TLS_ONLY)
            await send(message)

        try:
            await self._app(scope, receive, answer)
        except Exception as error:
            self._service.log.error("defect", request_id=request_id, path=_route(scope), exc_info=error)
            if status:
                raise
            await problem(500, "the service failed on this request; its log says why.", request_id=request_id)(
                scope, receive, answer
            )
        finally:
            route, seconds = _route(scope), perf_counter() - started
            self._service.metrics.observed(route, status, seconds)
            self._service.pulse.count(route, status, seconds)
            if route not in _QUIET or status >= 500:
                self._service.log.info(
                    "request",
                    request_id=request_id,
                    method=scope["method"],
                    route=route,
                    status=status,
                    ms=round(seconds * 1e3, 1),
                )


def _route(scope: Scope) -> str:
    """The route's pattern, never the path itself: paths may hold what callers typed."""
    found = scope.get("nevus.route") or getattr(scope.get("route"), "path", "unknown")
    return str(found)
