"""How duplicates are looked for."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from nevus.settings import Section


class NearDuplicateSettings(Section):
    """The search for images that show the same lesion, or the same photograph, under different names."""

    short_side: int = Field(default=225, ge=64, le=1024)
    """Pixels of the shorter side at which images are compared; a larger image is scaled down. The rule of confirmation
    was fitted at 225."""
    keypoints: int = Field(default=400, ge=50, le=2000)
    """The strongest keypoints kept of an image; memory and time grow with it."""
    candidates_per_image: Annotated[float, Field(gt=0)] = 2.0
    """Pairs whose geometry is examined, per image of the collection: those with the most shared local structure."""
    embedding_neighbours: int = Field(default=3, ge=0)
    """Nearest images of other groups, by embedding, that are examined too, where embeddings are given."""
    mirrored: bool = True
    """Look for mirrored copies too, such as slides scanned from the wrong side."""
    min_probability: Annotated[float, Field(gt=0, lt=1)] = 0.95
    """Confirmed from this probability on. It is the rule's own, on one pair that was examined."""
    max_images: int = Field(default=60_000, ge=2)
    """Larger collections are refused: the search would need more than 40 GB of scratch room and hours."""
    seed: int = 0
    """Of the sample that the vocabulary is learned from."""
    workers: int = Field(default=0, ge=0)
    """Threads; 0 for one a usable CPU. Changes the speed, not the result."""


class DuplicateSettings(Section):
    """Which duplicates are looked for and merged into groups."""

    exact: bool = True
    """Same bytes, or same pixels."""
    near: bool = True
    """The same lesion seen again: found by local structure (and embeddings), confirmed geometrically."""
    published: bool = True
    """Pairs that others have found and published for a dataset."""
    search: NearDuplicateSettings = NearDuplicateSettings()
