"""Who asks, and what that person may do."""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from nevus.serving.errors import ProblemError
from nevus.serving.same_machine import require_same_machine
from nevus.store import Store
from nevus.store.keys import ApiKeys, ExpiredKeyError, KeyRefusedError, RevokedKeyError, allows

if TYPE_CHECKING:
    from nevus.serving.service import Service

_KEPT_SECONDS = 2.0
"""How long a checked key is believed without asking the store again; so long a revocation may take."""
_MOST_KEPT = 10_000
_PROVEN_SECONDS = 3600.0
"""So long a key that opened something is checked however many others from its address were refused."""

BEARER = HTTPBearer(
    scheme_name="key",
    description="A key of `nevus keys create`. A service without any key needs none on its own machine.",
    auto_error=False,
)
"""Tells the OpenAPI document, and thereby generated clients and the page at /docs; `principal_of` does the checking."""


@dataclass(frozen=True)
class Principal:
    """The owner of the key that a request carries.

    key_id: None for a service without keys, whose every caller on this machine may do everything.
    """

    name: str
    role: str
    key_id: str | None


LOCAL = Principal("local", "admin", None)


class Authenticator:
    """Checks keys, and remembers the answer for two seconds."""

    def __init__(self, store: Store) -> None:
        self._keys = ApiKeys(store)
        self._kept: dict[str, tuple[float, Principal]] = {}
        self._proven: OrderedDict[bytes, float] = OrderedDict()
        self._needed: tuple[float, bool] = (0.0, True)

    def needed(self) -> bool:
        """Whether the store holds any key; then every request needs one."""
        until, found = self._needed
        if time.monotonic() > until:
            found = self._keys.any()
            self._needed = (time.monotonic() + _KEPT_SECONDS, found)
        return found

    def remembered(self, header: str | None) -> Principal | None:
        """The principal of a header that was checked within the last two seconds."""
        kept = self._kept.get(header or "")
        return kept[1] if kept and time.monotonic() < kept[0] else None

    def proven(self, header: str | None) -> bool:
        """Whether a header stood for somebody within the last hour."""
        return self._proven.get(_digest(header), 0.0) > time.monotonic()

    def check(self, header: str | None) -> Principal:
        """The principal that an `Authorization` header stands for.

        Raises:
            ProblemError: 401.
        """
        if not header:
            if self.needed():
                raise _RefusedError("missing", "this service needs a key: send the header Authorization: Bearer KEY.")
            principal = LOCAL
        else:
            scheme, _, text = header.partition(" ")
            if scheme.lower() != "bearer" or not text.strip():
                raise _RefusedError("malformed", "the Authorization header must be: Bearer KEY.")
            try:
                key = self._keys.check(text.strip())
            except KeyRefusedError as error:
                self._proven.pop(_digest(header), None)
                raise _RefusedError(_why(error), str(error)) from error
            principal = Principal(key.name, key.role, key.key_id)
            self._prove(header)
        if len(self._kept) >= _MOST_KEPT:
            self._kept.clear()
        self._kept[header or ""] = (time.monotonic() + _KEPT_SECONDS, principal)
        return principal

    def _prove(self, header: str) -> None:
        digest = _digest(header)
        self._proven.pop(digest, None)
        self._proven[digest] = time.monotonic() + _PROVEN_SECONDS
        if len(self._proven) > _MOST_KEPT:
            self._proven.popitem(last=False)


class RateLimit:
    """So many requests a minute for each caller."""

    def __init__(self, per_minute: int) -> None:
        self._most = per_minute
        self._seen: dict[str, deque[float]] = {}

    def take(self, caller: str) -> None:
        """Count a request.

        Raises:
            ProblemError: 429, one too many.
        """
        now = time.monotonic()
        seen = self._seen.setdefault(caller, deque(maxlen=self._most))
        if len(seen) == self._most and now - seen[0] < 60:
            wait = max(1, round(60 - (now - seen[0])))
            raise ProblemError(
                429,
                f"more than {self._most} requests within a minute; wait {wait} s.",
                headers={"Retry-After": str(wait)},
            )
        seen.append(now)
        if len(self._seen) > _MOST_KEPT:
            self._seen = {name: times for name, times in self._seen.items() if times and now - times[-1] < 60}


async def principal_of(request: Request) -> Principal:
    """The dependency: who asks. Checked in a thread, since it reads the database, unless checked a moment ago."""
    service: Service = request.app.state.service
    header = request.headers.get("authorization")
    found = service.authenticator.remembered(header)
    client = request.client.host if request.client else ""
    if found is None:
        found = await _checked(service, header, client)
    if found.key_id is None:
        require_same_machine(request.headers, service.settings.cors_origins)
    service.rate_limit.take(found.key_id or client)
    return found


def needs(role: str) -> object:
    """The dependency of a route that only this role and those above it may call."""

    async def check(
        principal: Annotated[Principal, Depends(principal_of)],
        said: Annotated[HTTPAuthorizationCredentials | None, Security(BEARER)],
    ) -> Principal:
        del said
        return require_role(principal, role)

    return Depends(check)


def require_role(principal: Principal, role: str) -> Principal:
    """The principal, if it has this role or one above it.

    Raises:
        ProblemError: 403.
    """
    if not allows(principal.role, role):
        raise ProblemError(403, f"this needs a key of role {role}; this key's role is {principal.role}.")
    return principal


async def _checked(service: Service, header: str | None, address: str) -> Principal:
    """Ask the store, unless so many keys from this address were refused that one more isn't worth it.

    Raises:
        ProblemError: 401; 429.
    """
    authenticator = service.authenticator
    if not authenticator.proven(header):
        try:
            service.refused_keys.check(address)
        except ProblemError:
            service.metrics.refused_keys.labels("too_many").inc()
            raise
    try:
        return await service.in_thread(authenticator.check, header)
    except _RefusedError as error:
        service.refused_keys.count(address)
        service.metrics.refused_keys.labels(error.why).inc()
        raise


class _RefusedError(ProblemError):
    """401. why: missing, malformed, unknown, expired or revoked."""

    def __init__(self, why: str, detail: str) -> None:
        super().__init__(401, detail, headers={"WWW-Authenticate": "Bearer"})
        self.why = why


def _why(error: KeyRefusedError) -> str:
    kinds: dict[type[KeyRefusedError], str] = {RevokedKeyError: "revoked", ExpiredKeyError: "expired"}
    return kinds.get(type(error), "unknown")


def _digest(header: str | None) -> bytes:
    """Keys themselves are kept for two seconds at most."""
    return hashlib.sha256((header or "").encode("utf-8", "surrogatepass")).digest()
