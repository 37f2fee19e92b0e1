"""How a step says how far it is, without knowing who listens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeAlias

Listener: TypeAlias = Callable[[int, int | None, str], None]

_listener: ContextVar[Listener | None] = ContextVar("nevus_progress", default=None)


def tell(done: int, total: int | None, what: str = "") -> None:
    """Say how far the running step is: `tell(300, 1500, "images")`; `total` is None where it isn't known."""
    listener = _listener.get()
    if listener is not None:
        listener(done, total, what)


@contextmanager
def listening(listener: Listener | None) -> Iterator[None]:
    """Hear what the code inside tells."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)
