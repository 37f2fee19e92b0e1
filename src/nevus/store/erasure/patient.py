"""Who is to be erased, and one line of what was found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.orm import Session

PREFIX = 12
"""Characters of the hash that may be told: enough to find the entry, too few to test a guess of the key."""


@dataclass(frozen=True)
class Patient:
    """A patient's plain key, and the keyed hash under which rows know it."""

    key: str
    hash: str

    def __repr__(self) -> str:
        return f"Patient({self.hash[:PREFIX]})"


@dataclass(frozen=True)
class Line:
    """What a place held of the patient: how many things, and which, where that helps."""

    place: str
    items: int
    detail: str = ""


@dataclass(frozen=True)
class Place:
    """A place with patient data. `erase` removes what `find` counts, and finds nothing more when it is repeated.

    Both work within a session: `find` of a snapshot, `erase` of a writing unit.
    """

    name: str
    description: str
    find: Callable[[Session, Patient], Line]
    erase: Callable[[Session, Patient], Line]
