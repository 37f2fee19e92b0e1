"""Whose key is this?"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter

from nevus.api import Me
from nevus.serving.auth import Principal, needs
from nevus.serving.schemas import problems

router = APIRouter(prefix="/v1/me", tags=["operations"])


@router.get("", summary="Whose key is this?", response_model=Me, responses=problems(401, 403, 429, 503))
async def me(principal: Annotated[Principal, needs("reader")]) -> Me:
    """Who the service takes the caller for."""
    return Me(name=principal.name, role=principal.role, key_id=principal.key_id)
