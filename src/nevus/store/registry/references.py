"""How people name a version: `name/3`, `3`, `champion`, or the beginning of its bundle's digest."""

from __future__ import annotations

import re

import sqlalchemy as sa
from sqlalchemy.orm import Session

from nevus.errors import InputError
from nevus.store.tables import ModelRow, VersionRow

SHORTEST_DIGEST = 6
_HEX = re.compile(rf"[0-9a-f]{{{SHORTEST_DIGEST},64}}")
_SINGLE = ("champion", "challenger")


class UnknownVersionError(InputError, LookupError):
    """No version has this name, or more than one has."""


def find_row(session: Session, ref: str) -> VersionRow:
    """The row that a reference means.

    Accepted: `name/3`; `name/champion` and `name/challenger`; each without the name where there is only one model;
    at least six characters of the bundle's digest.

    Raises:
        UnknownVersionError: nothing, or more than one thing, has this name; the message says what there is.
    """
    model, slash, rest = ref.strip().rpartition("/")
    if slash:
        return _in_model(session, _known_model(session, model), rest, ref)
    names = list(session.scalars(sa.select(ModelRow.name).order_by(ModelRow.name)))
    if not names:
        raise UnknownVersionError("no model is registered in this store yet; a finished `nevus run` registers one.")
    if rest.isdigit() or rest in _SINGLE:
        if len(names) == 1 and (found := _lookup(session, names[0], rest)):
            return found
        if not _HEX.fullmatch(rest):
            if len(names) == 1:
                return _in_model(session, names[0], rest, ref)
            raise UnknownVersionError(
                f"{ref!r} could be of {', '.join(names)}. Write the model too: `{names[0]}/{rest}`."
            )
    return _by_digest(session, rest.lower(), ref)


def only_model(session: Session, name: str | None) -> str:
    """`name`, checked; or the store's only model where none is given.

    Raises:
        UnknownVersionError: no such model, none at all, or several and no name.
    """
    if name is not None:
        return _known_model(session, name)
    names = list(session.scalars(sa.select(ModelRow.name).order_by(ModelRow.name)))
    if len(names) != 1:
        there = f"There are {', '.join(names)}; name one." if names else "None is registered in this store yet."
        raise UnknownVersionError(f"which model? {there}")
    return names[0]


def _known_model(session: Session, name: str) -> str:
    if session.get(ModelRow, name) is None:
        names = ", ".join(session.scalars(sa.select(ModelRow.name).order_by(ModelRow.name))) or "none"
        raise UnknownVersionError(f"there is no model {name!r} in this store; there is: {names}.")
    return name


def _in_model(session: Session, model: str, rest: str, ref: str) -> VersionRow:
    found = _lookup(session, model, rest)
    if found is not None:
        return found
    if rest in _SINGLE:
        raise UnknownVersionError(f"{model} has no {rest} now.")
    count = session.scalar(sa.select(sa.func.max(VersionRow.number)).where(VersionRow.model == model))
    raise UnknownVersionError(f"there is no version {ref!r}; {model} has versions 1 to {count}.")


def _lookup(session: Session, model: str, rest: str) -> VersionRow | None:
    query = sa.select(VersionRow).where(VersionRow.model == model)
    if rest in _SINGLE:
        return session.scalars(query.where(VersionRow.state == rest)).first()
    if rest.isdigit() and len(rest) < 10:
        return session.scalars(query.where(VersionRow.number == int(rest))).first()
    return None


def _by_digest(session: Session, prefix: str, ref: str) -> VersionRow:
    if not _HEX.fullmatch(prefix):
        raise UnknownVersionError(
            f"{ref!r} names no version. Write `name/3`, `3`, `champion`, or at least {SHORTEST_DIGEST} characters of "
            "the bundle's digest; `nevus models list` shows them."
        )
    rows = list(session.scalars(sa.select(VersionRow).where(VersionRow.bundle_digest.startswith(prefix)).limit(5)))
    if len(rows) == 1:
        return rows[0]
    if not rows:
        raise UnknownVersionError(f"no bundle's digest begins with {ref!r}; `nevus models list` shows them.")
    refs = ", ".join(f"{row.model}/{row.number}" for row in rows)
    raise UnknownVersionError(f"{ref!r} fits several versions ({refs}); write more of the digest, or one of these.")
