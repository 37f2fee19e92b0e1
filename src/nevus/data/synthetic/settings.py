"""How many lesions of which kind the generator draws."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator

from nevus.settings import Section

PREVALENCE = {"nv": 0.36, "mel": 0.15, "bkl": 0.15, "bcc": 0.12, "akiec": 0.09, "vasc": 0.065, "df": 0.065}
"""Class -> share of the lesions: nevi are the most, as in a clinic, but every class has enough to be learned."""


class SyntheticSettings(Section):
    """A synthetic cohort. The same settings give the same pictures, whatever was drawn before."""

    lesions: int = Field(default=1200, ge=1)
    images_per_lesion: Annotated[float, Field(ge=1, le=4)] = 1.5
    """On average; a lesion has 1 to 4 images, from other angles, distances and lights."""
    lesions_per_patient: Annotated[float, Field(ge=1, le=6)] = 1.6
    """On average; a patient has 1 to 6 lesions."""
    width: int = Field(default=160, ge=64, le=1024)
    """Pixels."""
    height: int = Field(default=120, ge=64, le=1024)
    """Pixels."""
    seed: int = Field(default=0, ge=0)
    difficulty: Annotated[float, Field(ge=0, le=1)] = 0.35
    """0: every lesion shows the structures of its diagnosis clearly. 1: most show them faintly, and one in three
    looks like another diagnosis."""
    classes: dict[str, float] = PREVALENCE
    """Class -> share of the lesions; the shares are made to sum to 1."""
    quality: int = Field(default=90, ge=30, le=100)
    """JPEG quality."""

    @field_validator("classes")
    @classmethod
    def _known(cls, classes: dict[str, float]) -> dict[str, float]:
        strange = sorted(set(classes) - set(PREVALENCE))
        if strange:
            raise ValueError(f"the generator can't draw {', '.join(strange)}; it draws {', '.join(PREVALENCE)}")
        if not classes or any(share <= 0 for share in classes.values()):
            raise ValueError("give at least one class, and each a share above 0")
        return classes
