"""Long lists in pieces that one statement takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

_ROWS_AT_ONCE = 5000
"""With six columns still below the 32,766 parameters that SQLite takes; Postgres takes 65,535."""


def chunks(rows: Sequence[str]) -> Iterator[Sequence[str]]:
    """The list in pieces, in its order."""
    return (rows[start : start + _ROWS_AT_ONCE] for start in range(0, len(rows), _ROWS_AT_ONCE))
