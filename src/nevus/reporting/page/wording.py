"""Counts and lists as they stand in a sentence."""

from __future__ import annotations

from collections.abc import Sequence


def several(n: int, one: str, many: str | None = None) -> str:
    """A count with its noun: 1 pair, 18 pairs, 10,015 images."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def listed(items: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return ", ".join(items[:-1]) + " and " + items[-1] if len(items) > 1 else "".join(items)
