"""A key as everybody sees it: without its secret, which only its owner has."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from nevus.store.columns import now
from nevus.store.serving_tables import ApiKeyRow

LONGEST_TEXT = 512
"""Characters; nothing longer is looked up."""
_TEXT = re.compile(r"nevus_([0-9a-z]{1,20})_[A-Za-z0-9_-]{43}")


@dataclass(frozen=True)
class ApiKey:
    """Whose key it is, what it may do, and until when."""

    key_id: str
    name: str
    role: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    created_by: str

    def state(self, at: datetime | None = None) -> Literal["active", "expired", "revoked"]:
        """What it is worth at this moment (default: now)."""
        if self.revoked_at is not None:
            return "revoked"
        if self.expires_at is not None and self.expires_at <= (at or now()):
            return "expired"
        return "active"

    @classmethod
    def from_row(cls, row: ApiKeyRow) -> ApiKey:
        """The frozen picture of a row."""
        return cls(**{name: getattr(row, name) for name in cls.__dataclass_fields__})


def new_text() -> tuple[str, str]:
    """A new key's id and its text, `nevus_<id>_<256 random bits>`."""
    key_id = secrets.token_hex(6)
    return key_id, f"nevus_{key_id}_{secrets.token_urlsafe(32)}"


def id_in(text: str) -> str | None:
    """The id that a key's text names; None for a text that nevus hasn't made."""
    found = _TEXT.fullmatch(text)
    return found[1] if found else None


def hash_of(text: str) -> str:
    """SHA-256 (hex) of a key's text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
