"""A request that is sent twice under one Idempotency-Key is answered once."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from nevus.serving.bodies import Body
from nevus.serving.errors import ProblemError
from nevus.store import Store
from nevus.store.columns import now
from nevus.store.plain_text import storable
from nevus.store.serving_tables import IdempotentAnswerRow

LONGEST = 200


@dataclass(frozen=True)
class Repeat:
    """A key, with the fingerprint of what was asked under it."""

    key_id: str
    key: str
    fingerprint: str

    @classmethod
    def of(cls, header: str, key_id: str | None, path: str, body: Body) -> Repeat:
        """From the header of a request, and what it asks.

        Raises:
            ProblemError: 422, an empty or overlong key.
        """
        digest = hashlib.sha256(path.encode())
        digest.update(json.dumps(body.asked.model_dump(), sort_keys=True).encode())
        for image in body.images:
            digest.update(hashlib.sha256(image).digest())
        return cls.under(header, key_id, digest.hexdigest())

    @classmethod
    def under(cls, header: str, key_id: str | None, fingerprint: str) -> Repeat:
        """Under the key in a request's header, with a fingerprint that was taken already.

        Raises:
            ProblemError: 422, an empty or overlong key.
        """
        if not header.strip() or len(header) > LONGEST or not storable(header):
            raise ProblemError(
                422, f"Idempotency-Key must have 1 to {LONGEST} printable characters.", field="Idempotency-Key"
            )
        return cls(key_id or "", header, fingerprint)

    def find(self, store: Store) -> bytes | None:
        """The answer that was given before, if there is one.

        Raises:
            ProblemError: 422, something else was asked under this key.
        """
        query = sa.select(IdempotentAnswerRow.fingerprint, IdempotentAnswerRow.body).where(
            IdempotentAnswerRow.key_id == self.key_id, IdempotentAnswerRow.idempotency_key == self.key
        )
        with store.read() as session:
            found = session.execute(query).first()
        if found is None:
            return None
        if found[0] != self.fingerprint:
            raise ProblemError(
                422, "this Idempotency-Key was used for another request; choose a new one.", field="Idempotency-Key"
            )
        return bytes(found[1])

    def row(self, body: bytes, status: int = 200) -> dict[str, Any]:
        """What to store beside the answer."""
        return {
            "key_id": self.key_id,
            "idempotency_key": self.key,
            "fingerprint": self.fingerprint,
            "created_at": now(),
            "status": status,
            "body": body,
        }
