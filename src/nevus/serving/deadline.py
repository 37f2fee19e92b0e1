"""A request's time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from nevus.serving.errors import ProblemError


@asynccontextmanager
async def within(seconds: float) -> AsyncIterator[None]:
    """Do it in time.

    Raises:
        ProblemError: 503, it took longer.
    """
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise ProblemError(
            503, f"this took longer than {seconds:g} seconds; try again.", headers={"Retry-After": "5"}
        ) from None
