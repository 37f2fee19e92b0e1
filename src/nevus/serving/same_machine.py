"""A service without keys believes whoever is on this machine: a web page from elsewhere isn't, though its browser is.

Such a page can send requests here with its own name as `Origin`, or have its own host's name lead to this machine (DNS
rebinding) and read the answers. Browsers let no page change these headers.
"""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from nevus.serving.address import is_loopback
from nevus.serving.errors import ProblemError

_REMEDY = (
    "without API keys it answers programs and pages of this machine only, which ask for localhost or 127.0.0.1. To let "
    "others in, make a key (`nevus keys create`)."
)


def require_same_machine(headers: Headers, pages: Collection[str]) -> None:
    """Refuse a request that a page from elsewhere may have sent.

    Args:
        headers: of the request.
        pages: origins that may ask nevertheless, by name; "*" names none.

    Raises:
        ProblemError: 403.
    """
    if not asks_loopback(headers):
        host = headers.get("host", "")
        raise ProblemError(403, f"this service was asked for as {host[:80]!r}; {_REMEDY}", field="Host")
    origin = headers.get("origin")
    if origin is not None:
        if origin not in pages and not _local(origin):
            raise ProblemError(403, f"the page {origin[:80]!r} asked this service; {_REMEDY}", field="Origin")
    elif headers.get("sec-fetch-site") == "cross-site":
        raise ProblemError(403, f"a page of another site asked this service; {_REMEDY}", field="Sec-Fetch-Site")


def asks_loopback(headers: Headers) -> bool:
    """Whether the name that was asked for means this machine wherever it is used."""
    return _local(f"//{headers.get('host', '')}")


def _local(address: str) -> bool:
    try:
        found = urlsplit(address)
        return found.username is None and is_loopback(found.hostname or "")
    except ValueError:
        return False
