"""Making, checking and revoking keys. Every key that is made or revoked stands in the audit; its secret nowhere."""

from __future__ import annotations

import hmac
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from nevus.store import audit
from nevus.store.actor import current_actor
from nevus.store.columns import now
from nevus.store.database import Store
from nevus.store.keys.api_key import LONGEST_TEXT, ApiKey, hash_of, id_in, new_text
from nevus.store.keys.errors import ExpiredKeyError, NewKeyError, RevokedKeyError, UnknownKeyError
from nevus.store.keys.roles import ROLES
from nevus.store.serving_tables import ApiKeyRow

_NOBODYS = "0" * 64
_LONGEST_NAME = 100


class ApiKeys:
    """The keys of a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def create(
        self, name: str, role: str, *, expires_at: datetime | None = None, by: str | None = None
    ) -> tuple[str, ApiKey]:
        """Make a key; its text is returned here and can't be had again.

        Args:
            name: its owner, who stands by the labels that are given with it.
            role: one of `ROLES`.
            expires_at: from when on it opens nothing; None: it doesn't expire.
            by: who makes it.

        Raises:
            NewKeyError: no name, no such role, or a time that is over.
        """
        if expires_at is not None and expires_at <= now():
            raise NewKeyError(f"expires: {expires_at:%Y-%m-%d %H:%M} is over; the key would open nothing.")
        key_id, text = new_text()
        with self._store.write() as session:
            key = _add(session, key_id, text, name=name, role=role, expires_at=expires_at, actor=by or current_actor())
        return text, key

    def register(self, text: str, name: str, role: str, *, by: str | None = None) -> ApiKey:
        """Make a key of a text that somebody else chose; one that is there already stays as it is, revoked or not."""
        with self._store.write() as session:
            found = _by_text(session, text)
            if found is not None:
                return ApiKey.from_row(found)
            key_id = id_in(text)
            if key_id is None:
                key_id = new_text()[0]
            elif session.get(ApiKeyRow, key_id) is not None:
                raise NewKeyError(f"another key has the id {key_id} already; choose another text.")
            return _add(session, key_id, text, name=name, role=role, expires_at=None, actor=by or current_actor())

    def revoke(self, key_id: str, *, by: str | None = None) -> ApiKey:
        """Take a key back, from this moment on and for good; one that was revoked before stays so.

        Raises:
            UnknownKeyError: no key has this id.
        """
        with self._store.write() as session:
            row = session.get(ApiKeyRow, key_id)
            if row is None:
                raise UnknownKeyError(f"there is no key {key_id!r}; `nevus keys list` shows the ids.")
            if row.revoked_at is None:
                row.revoked_at = now()
                told = {"name": row.name, "role": row.role}
                actor = by or current_actor()
                audit.record(session, actor=actor, action="key.revoked", subject=f"key/{key_id}", details=told)
            return ApiKey.from_row(row)

    def list(self) -> list[ApiKey]:
        """Every key that was ever made, the newest first."""
        query = sa.select(ApiKeyRow).order_by(ApiKeyRow.created_at.desc(), ApiKeyRow.key_id)
        with self._store.read() as session:
            return [ApiKey.from_row(row) for row in session.scalars(query)]

    def any(self) -> bool:
        """Whether a key was ever made.

        Revoked and expired ones count: a service whose last key runs out must lock, not open to everybody.
        """
        with self._store.read() as session:
            return session.scalar(sa.select(ApiKeyRow.key_id).limit(1)) is not None

    def check(self, text: str, *, at: datetime | None = None) -> ApiKey:
        """The key with this text, if it is worth something at this moment (default: now).

        A wrong secret takes as long as an unknown key, however much of it is right.

        Raises:
            UnknownKeyError, RevokedKeyError, ExpiredKeyError: it is worth nothing.
        """
        with self._store.read() as session:
            row = _by_text(session, text)
            if row is None:
                raise UnknownKeyError("this key is not known here; ask an administrator for one (`nevus keys create`).")
            key = ApiKey.from_row(row)
        state = key.state(at)
        if state == "revoked":
            raise RevokedKeyError(f"the key {key.key_id} was revoked on {key.revoked_at:%Y-%m-%d}; ask for another.")
        if state == "expired":
            raise ExpiredKeyError(f"the key {key.key_id} expired on {key.expires_at:%Y-%m-%d}; ask for another.")
        return key


def _by_text(session: Session, text: str) -> ApiKeyRow | None:
    if len(text) > LONGEST_TEXT:
        return None
    hashed, key_id = hash_of(text), id_in(text)
    which = ApiKeyRow.hash == hashed if key_id is None else ApiKeyRow.key_id == key_id
    row = session.scalars(sa.select(ApiKeyRow).where(which)).first()
    return row if hmac.compare_digest(row.hash if row else _NOBODYS, hashed) else None


def _add(
    session: Session, key_id: str, text: str, *, name: str, role: str, expires_at: datetime | None, actor: str
) -> ApiKey:
    name = name.strip()
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        raise NewKeyError(f"name: a key needs its owner's name, of up to {_LONGEST_NAME} printable characters.")
    if role not in ROLES:
        raise NewKeyError(f"role: there is no role {role!r}; the roles are {', '.join(ROLES)}.")
    row = ApiKeyRow(
        key_id=key_id,
        name=name,
        role=role,
        hash=hash_of(text),
        created_at=now(),
        created_by=actor,
        expires_at=expires_at,
        revoked_at=None,
    )
    session.add(row)
    told = {"name": name, "role": role, "expires_at": expires_at.isoformat() if expires_at else None}
    audit.record(session, actor=actor, action="key.created", subject=f"key/{key_id}", details=told)
    return ApiKey.from_row(row)
