"""The settings of the novelty score."""

from __future__ import annotations

from pydantic import Field

from nevus.settings import Section


class NoveltySettings(Section):
    """How the score that refuses pictures other than dermoscopy is fitted."""

    images: int = Field(default=3000, ge=1)
    """At most so many training images, drawn at random, and so many distorted copies of them."""
    drawn: int = Field(default=50, ge=1)
    """Drawings of each kind (documents, faces, walls ...) that the score learns to refuse."""
    made: int = Field(default=300, ge=0)
    """Pictures of each sort made of training images (bare skin, a rash, skin from afar, a limb)."""
    short_side: int = Field(default=48, ge=32)
    """The branch looks at the image averaged down to about this short side."""
    strength: float = Field(default=0.03, gt=0)
    """Inverse weight of the ridge penalty; smaller means a smoother score."""
    seed: int = 0
