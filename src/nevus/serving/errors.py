"""The error that carries its own answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nevus.errors import NevusError

BODY, KIND = "body", "Content-Type"
"""The `field` of a problem that concerns the whole body, or what it says it is."""


class ProblemError(NevusError):
    """A request that is answered by a problem document.

    Attributes:
        status: of HTTP.
        headers: of the answer.
        more: further members of the document, such as `field`.
    """

    def __init__(self, status: int, detail: str, *, headers: Mapping[str, str] | None = None, **more: Any) -> None:
        super().__init__(detail)
        self.status, self.headers, self.more = status, dict(headers or {}), more
