"""Queries are UTF-8: of other bytes the framework would make U+FFFD, and of two patients' keys the same one."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

from fastapi import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from nevus.serving.errors import ProblemError
from nevus.serving.inference_errors import in_protocol
from nevus.serving.problems import handled


class QueryText:
    """ASGI middleware: answers 422 where the query isn't percent-encoded UTF-8."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        query = scope.get("query_string") or b""
        if b"%" not in query and query.isascii():
            await self._app(scope, receive, send)
            return
        try:
            require_utf8(query)
        except ProblemError as error:
            answer = in_protocol(scope["path"], handled(Request(scope, receive), error))
            await answer(scope, receive, send)
            return
        await self._app(scope, receive, send)


def require_utf8(query: bytes) -> None:
    """Refuse a query, as it came, of which a name or a value isn't percent-encoded UTF-8.

    Raises:
        ProblemError: 422, naming the field.
    """
    for pair in query.split(b"&"):
        name, _, value = pair.partition(b"=")
        try:
            for part in (name, value):
                part.decode("ascii")
                unquote_to_bytes(part).decode()
        except UnicodeDecodeError as error:
            field = unquote_to_bytes(name).decode(errors="replace")[:80] or "query"
            raise ProblemError(
                422, f"{field} is not UTF-8; send its text as percent-encoded UTF-8.", field=field
            ) from error
