"""What all answers have in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Answer(BaseModel):
    """A part of the API's JSON. Unknown members are left out, so that an older client reads a newer service."""

    model_config = ConfigDict(frozen=True)


class Estimate(Answer):
    """A value with the ends of its 95 % interval, where it has one; too_few: what is lacking where it has none."""

    value: float | None = None
    low: float | None = None
    high: float | None = None
    too_few: str | None = None
