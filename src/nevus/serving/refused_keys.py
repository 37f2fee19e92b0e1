"""Addresses that send key after key that opens nothing are answered 429 before the store is asked.

Each address may be refused so many times at once, and as many a minute after that (a leaky bucket, kept as the moment
at which it is empty again). Only addresses whose bucket isn't empty are remembered, the latest so many of them.
"""

from __future__ import annotations

import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Callable

from nevus.serving.errors import ProblemError

MOST_ADDRESSES = 10_000
_IPV6_NETWORK = 64
"""Bits: whoever has one address of a network has all of them."""


class RefusedKeys:
    """How often each address was refused lately."""

    def __init__(
        self, per_minute: int, *, most: int = MOST_ADDRESSES, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._each = 60 / per_minute
        """Seconds that a refusal stays in the bucket."""
        self._most, self._clock = most, clock
        self._empty_at: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        """Addresses that are remembered."""
        return len(self._empty_at)

    def check(self, address: str) -> None:
        """Turn away an address that was refused too often.

        Raises:
            ProblemError: 429, with the seconds after which another key may be tried.
        """
        wait = self._empty_at.get(_caller(address), 0.0) - self._clock() - (60 - self._each)
        if wait > 1e-6:
            seconds = max(1, math.ceil(wait))
            raise ProblemError(
                429,
                f"too many keys from this address opened nothing; wait {seconds} s, and check the key.",
                headers={"Retry-After": str(seconds)},
            )

    def count(self, address: str) -> None:
        """Remember that a key from there was refused."""
        caller, now = _caller(address), self._clock()
        self._empty_at[caller] = max(now, self._empty_at.pop(caller, 0.0)) + self._each
        # The front was refused longest ago; a bucket is empty a minute later at most.
        while self._empty_at and (len(self._empty_at) > self._most or next(iter(self._empty_at.values())) <= now):
            self._empty_at.popitem(last=False)


def _caller(address: str) -> str:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if found.version == 4:
        return address
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, _IPV6_NETWORK), strict=False))
