"""The tree of settings of a run: every floor's section, composed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, TypeVar

from pydantic import AfterValidator

from nevus.bundle.schema import Task
from nevus.data.duplicates.settings import DuplicateSettings
from nevus.data.prepare import PrepareSettings
from nevus.data.settings import DataSettings
from nevus.data.splits import SplitSettings
from nevus.evaluation.settings import EvaluationSettings
from nevus.notices import NoticeSettings
from nevus.settings import Section
from nevus.store import StoreSettings
from nevus.store.registry.version import model_name
from nevus.tracking import TrackingSettings
from nevus.training.novelty.settings import NoveltySettings
from nevus.training.settings import ModelSettings, TrainingSettings


class GateSettings(Section):
    """What a candidate must show."""

    policy: Path = Path("default")
    """A policy file, or the name of one of nevus' own."""


class RunSettings(Section):
    """Everything that a run can be told, from the folder of images to the registered model."""

    name: Annotated[str, AfterValidator(model_name)] = "model"
    """What the model is called in the registry."""
    task: Task = "diagnosis"
    """`diagnosis` (classes) or `malignancy` (benign or malignant)."""
    data: DataSettings = DataSettings()
    duplicates: DuplicateSettings = DuplicateSettings()
    split: SplitSettings = SplitSettings()
    prepare: PrepareSettings = PrepareSettings()
    model: ModelSettings = ModelSettings()
    training: TrainingSettings = TrainingSettings()
    novelty: NoveltySettings = NoveltySettings()
    evaluation: EvaluationSettings = EvaluationSettings()
    gate: GateSettings = GateSettings()
    store: StoreSettings = StoreSettings()
    tracking: TrackingSettings = TrackingSettings()
    notices: NoticeSettings = NoticeSettings()


AnySection = TypeVar("AnySection", bound=Section)

NEUTRAL: Final = frozenset(
    {
        "store",
        "tracking",
        "notices",
        "data.check.workers",
        "duplicates.search.workers",
        "prepare.workers",
        "training.workers",
        "training.threads",
    }
)
"""Keys that change how the work is done, not what comes out."""


class IngestSection(Section):
    """What the step ingest depends on."""

    data: DataSettings


class CheckSection(Section):
    """What the step check depends on."""

    task: Task
    data: DataSettings
    duplicates: DuplicateSettings


class SplitSection(Section):
    """What the step split depends on."""

    task: Task
    split: SplitSettings
    store: StoreSettings


class TrainSection(Section):
    """What the step train depends on: of the data, beside the images themselves, only which classes count."""

    name: str
    task: Task
    classes: tuple[str, ...]
    malignant: tuple[str, ...]
    model: ModelSettings
    training: TrainingSettings
    novelty: NoveltySettings
    store: StoreSettings
    tracking: TrackingSettings


class EvaluateSection(Section):
    """What the step evaluate depends on."""

    name: str
    evaluation: EvaluationSettings
    store: StoreSettings


class PackageSection(Section):
    """What the step package depends on."""

    name: str


class GateSection(Section):
    """What the step gate depends on."""

    name: str
    evaluation: EvaluationSettings
    gate: GateSettings
    store: StoreSettings
    notices: NoticeSettings


class RegisterSection(Section):
    """What the step register depends on."""

    name: str
    store: StoreSettings
    tracking: TrackingSettings
    notices: NoticeSettings


def part_of(section: type[AnySection], tree: RunSettings) -> AnySection:
    """The parts of the tree that a step's section names."""
    given = {"classes": tree.data.classes, "malignant": tree.data.malignant}
    return section(**{name: given.get(name, getattr(tree, name, None)) for name in section.model_fields})
