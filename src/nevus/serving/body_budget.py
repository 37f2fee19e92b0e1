"""How much of requests' bodies may lie in memory at once: many large ones together would take all there is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import Request

from nevus.serving.errors import ProblemError

JSON_FACTOR = 3
"""Of a JSON body with base64: the bytes, the text within, and the file decoded from it."""


class BodyBudget:
    """Counts what is held, and refuses what would be too much; a single body always fits."""

    def __init__(self, most_bytes: int) -> None:
        self._most, self._held = most_bytes, 0

    @contextmanager
    def held(self, size: int) -> Iterator[None]:
        """Hold so many bytes meanwhile.

        Raises:
            ProblemError: 429, others hold too much.
        """
        if self._held and self._held + size > self._most:
            raise ProblemError(
                429, "too many large bodies at once; try again in a moment.", headers={"Retry-After": "5"}
            )
        self._held += size
        try:
            yield
        finally:
            self._held -= size


def expected_size(request: Request, most_bytes: int) -> int:
    """Bytes that a request's body will have at the most; what it doesn't announce may be all that is allowed."""
    announced = request.headers.get("content-length", "")
    return min(int(announced), most_bytes) if announced.isdigit() and len(announced) < 16 else most_bytes
