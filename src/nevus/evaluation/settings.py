"""The settings of choosing thresholds and of judging."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from nevus.settings import Section

Share = Annotated[float, Field(gt=0, lt=1)]


class EvaluationSettings(Section):
    """What is fixed on validation, and how the test part is scored."""

    target_sensitivities: tuple[Share, ...] = (0.90, 0.95, 0.98)
    """An operating point is fixed for each."""
    default_sensitivity: Share = 0.95
    """The one that verdicts use."""
    max_refused: Annotated[float, Field(ge=0, lt=1)] = 0.02
    """At most this share of validation images, and of groups, may be refused as out of distribution."""
    max_refused_malignant: Annotated[float, Field(ge=0, lt=1)] = 0.03
    """The same among the malignant ones."""
    near_threshold_share: Annotated[float, Field(ge=0, lt=1)] = 0.05
    """The share of validation images nearest to the operating point that are too close to call."""
    coverage: Share = 0.90
    """What the prediction sets promise."""
    replicates: int = Field(default=1000, ge=0, le=100_000)
    """Bootstrap resamples."""
    seed: int = 0
