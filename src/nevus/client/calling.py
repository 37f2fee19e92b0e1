"""One request to the service: its key, its errors, and when it's sent again."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import date, datetime
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx2
from pydantic import BaseModel, ValidationError

from nevus.api import Problem
from nevus.client.errors import ClientError, UnreachableError

A = TypeVar("A", bound=BaseModel)

_ATTEMPTS = 4
_LONGEST_WAIT = 30.0
"""Seconds; who is told to wait longer is told so rather than kept waiting."""
_AGAIN = (429, 503)
_IDEMPOTENT = ("GET", "HEAD", "PUT")


class Caller:
    """Sends requests, and turns refusals into `ClientError`.

    What was answered 429 or 503 with `Retry-After` is sent again after that time, at most three times, where sending it
    twice does no harm: a reading request, or one that carries an Idempotency-Key.
    """

    def __init__(
        self,
        base_url: str = "http://127.0.0.1:8000",
        key: str | None = None,
        timeout: float = 30.0,
        *,
        transport: httpx2.BaseTransport | None = None,
        verify: bool | str = True,
    ) -> None:
        """Args:
        base_url: address of the service.
        key: API key; None for a service without keys.
        timeout: seconds for each request.
        transport: what carries the requests, instead of the network.
        verify: whether to check the service's TLS certificate, or the file of the authority to check it by.
        """
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._http = httpx2.Client(
            base_url=base_url.rstrip("/"),
            headers=headers,
            timeout=timeout,
            transport=transport,
            verify=verify,
            trust_env=False,
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _answer(self, kind: type[A], method: str, path: str, **options: Any) -> A:
        response = self._send(method, path, **options)
        try:
            return kind.model_validate_json(response.content)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise ClientError(
                f"{method} {path} was answered with something else than {kind.__name__} ({where}: {first['msg']}). "
                "Is this the address of a nevus service, of a version that fits this client?",
                status=response.status_code,
            ) from None

    def _send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        **body: Any,
    ) -> httpx2.Response:
        headers = {name: value for name, value in (headers or {}).items() if value}
        harmless = method in _IDEMPOTENT or "Idempotency-Key" in headers
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                response = self._http.request(method, path, params=said(params or {}), headers=headers, **body)
            except httpx2.TransportError as error:
                raise UnreachableError(
                    f"no answer from {self._http.base_url} ({type(error).__name__}). Is the service running?"
                ) from error
            if response.is_success:
                return response
            wait = _seconds(response.headers.get("retry-after"))
            again = harmless and response.status_code in _AGAIN and wait is not None and wait <= _LONGEST_WAIT
            if not again or attempt == _ATTEMPTS:
                break
            time.sleep(wait or 0.0)
        raise _refusal(response, wait)


def said(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as they are written in a query or a form; None is left out."""
    return {name: _text(value) for name, value in values.items() if value is not None}


def _text(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [_text(one) for one in value]
    return value if isinstance(value, str) else str(value)


def _seconds(text: str | None) -> float | None:
    try:
        return max(0.0, float(text)) if text else None
    except ValueError:  # a date: nobody here sends one
        return None


def _refusal(response: httpx2.Response, wait: float | None) -> ClientError:
    try:
        problem = Problem.model_validate_json(response.content)
    except ValidationError:
        problem = None
    detail = problem.detail if problem else response.reason_phrase
    return ClientError(detail, status=response.status_code, problem=problem, retry_after=wait)
