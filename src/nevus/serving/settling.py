"""Futures of an event loop that get their results from other threads."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import groupby
from typing import Any


def settle(results: Sequence[tuple[asyncio.AbstractEventLoop, asyncio.Future[Any], Any]]) -> None:
    """Give futures their results, an exception as an exception, from any thread: one call of each loop."""
    for loop, some in groupby(results, key=lambda result: result[0]):
        mine = [(done, result) for _, done, result in some]
        try:
            loop.call_soon_threadsafe(_settle, mine)
        except RuntimeError:  # the loop has ended with the service
            continue


def _settle(results: Sequence[tuple[asyncio.Future[Any], Any]]) -> None:
    for done, result in results:
        if done.done():  # whoever waited has gone
            continue
        if isinstance(result, BaseException):
            done.set_exception(result)
        else:
            done.set_result(result)
