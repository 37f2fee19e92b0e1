"""What went wrong, as RFC 9457 has it."""

from __future__ import annotations

from nevus.api.base import Answer


class Problem(Answer):
    """RFC 9457. `field` names what was wrong in the request."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    field: str | None = None
    reason: str | None = None
    existing: str | None = None
    """Id of what stands in the way, such as a label that says otherwise."""
    request_id: str | None = None
