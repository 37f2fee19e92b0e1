"""What the diagnoses mean."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter

from nevus.api import Diagnoses
from nevus.serving.auth import Principal, needs
from nevus.serving.diagnosis_meanings import MEANINGS
from nevus.serving.schemas import problems

router = APIRouter(prefix="/v1/diagnoses", tags=["operations"])


@router.get("", summary="What the diagnoses mean", response_model=Diagnoses, responses=problems(401, 403, 429, 503))
async def diagnoses(principal: Annotated[Principal, needs("reader")]) -> Any:
    """Name, risk and usual next step of every class. General knowledge; a physician decides."""
    del principal
    return {"diagnoses": [asdict(one) for one in MEANINGS]}
