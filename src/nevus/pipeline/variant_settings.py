"""What judging a variant of a run's bundle depends on: the run's own settings, and which bundle it is."""

from __future__ import annotations

from pathlib import Path

from nevus.bundle.schema import Share
from nevus.evaluation.settings import EvaluationSettings
from nevus.pipeline.settings import RunSettings
from nevus.settings import Section
from nevus.store import StoreSettings


class VariantSettings(Section):
    """Which bundle is judged by which run."""

    run: Path
    bundle: Path
    digest: str
    """Of the bundle: another one belongs into another folder, wherever it lies."""
    least_agreement: Share = 0.95
    """Share of images on which a converted bundle must give the original's diagnosis, and its verdict."""


class VariantTree(RunSettings):
    """The settings of the run, and the variant."""

    variant: VariantSettings


class AdoptSection(Section):
    """What the step adopt depends on."""

    variant: VariantSettings


class MeasureSection(Section):
    """What the step measure depends on; of the name, evaluation and store it takes what `evaluate` does."""

    name: str
    evaluation: EvaluationSettings
    store: StoreSettings
    variant: VariantSettings
