"""The roles of keys: each may do what the ones before it may."""

from __future__ import annotations

from nevus.store.serving_tables import ROLES

__all__ = ["ROLES", "allows"]


def allows(role: str, needed: str) -> bool:
    """Whether a key of `role` may do what needs `needed`; reader < clinician < operator < admin.

    Raises:
        ValueError: either is no role, so that a misspelt one opens nothing.
    """
    return ROLES.index(role) >= ROLES.index(needed)
