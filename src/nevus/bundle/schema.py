"""`bundle.json`: everything, beside the graph, that is needed to use a model honestly."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from nevus.evaluation.results import OperatingPoint
from nevus.settings import Section

FORMAT: Final = "nevus-bundle"
FORMAT_VERSION = 1

Share = Annotated[float, Field(ge=0.0, le=1.0)]
View = Literal["identity", "flip_horizontal", "flip_vertical", "rotate_180"]
Task = Literal["diagnosis", "malignancy"]


class InputSpec(Section):
    """How an image becomes the graph's input: uint8 [height, width, 3], RGB.

    `cover`: scale so that the image covers the frame, keeping its aspect ratio, and crop the centre.
    `contain`: scale so that it fits into the frame, keeping its aspect ratio, and pad with black.
    """

    height: int = Field(gt=0)
    width: int = Field(gt=0)
    rule: Literal["cover", "contain"] = "cover"


class MetadataSpec(Section):
    """The encoder of age, sex and site into float32 [M]; each has its 'unknown'.

    Layout: (age - age_mean) / age_std or 0, then 1 if the age is unknown; one-hot of `sexes` + unknown; one-hot of
    `sites` + unknown. M = 2 + len(sexes) + 1 + len(sites) + 1.
    """

    age_mean: float
    age_std: float = Field(gt=0)
    sexes: tuple[str, ...]
    sites: tuple[str, ...]


class QualityLimits(Section):
    """Where an image is unusable. The measures are those of `nevus.imaging.quality`, on the graph's input pixels."""

    min_short_side: int = 64
    min_sharpness: float | None = None
    min_contrast: float | None = None
    max_over_exposed: float | None = None


class RefusalLimits(Section):
    """Where a prediction is refused or marked as too close to call."""

    ood_score: float | None = None
    near_threshold: float = Field(default=0.0, ge=0.0)
    """Half-width, in malignant log-odds, of the band round the operating point that is too close to call."""
    quality: QualityLimits = QualityLimits()


class PredictionSetSpec(Section):
    """Split-conformal prediction set: the classes with probability >= threshold cover the truth at `coverage`."""

    coverage: Share
    threshold: Share


class DataSummary(Section):
    """What the model was trained on, for the card and for those who must answer for it."""

    datasets: tuple[str, ...] = ()
    licences: tuple[str, ...] = ()
    attributions: tuple[str, ...] = ()
    images: dict[str, int] = Field(default_factory=dict)
    groups: dict[str, int] = Field(default_factory=dict)
    """Split part (train, validation, test) -> number of images / groups."""
    has_patient_ids: bool = False
    has_skin_type: bool = False


class Fingerprints(Section):
    """What the model came from."""

    content: str | None = None
    split: str | None = None
    settings: str | None = None


class RuntimeSpec(Section):
    """Which engine runs the graph, and at which precision."""

    engine: Literal["onnxruntime", "openvino"] = "onnxruntime"
    precision: Literal["fp32", "bf16", "int8"] = "fp32"


class Conversion(Section):
    """What a converted bundle was made from, and how far its answers are from that one's."""

    digest: str
    """Of the bundle it was made from."""
    calibration_images: int = 0
    compared_images: int = 0
    deviations: dict[str, float] = Field(default_factory=dict)
    """Output -> largest deviation on the compared images, as in the self-test."""
    same_diagnosis: Share | None = None
    same_verdict: Share | None = None
    """Shares of the compared images."""


class BundleManifest(Section):
    """The contents of `bundle.json`."""

    format: Literal["nevus-bundle"] = FORMAT
    format_version: int = FORMAT_VERSION
    name: str
    created_at: datetime
    task: Task
    classes: tuple[str, ...] = Field(min_length=2)
    malignant: tuple[str, ...]
    input: InputSpec
    metadata: MetadataSpec | None = None
    temperature: float = Field(default=1.0, gt=0)
    views: tuple[View, ...] = ("identity",)
    evidence_scale: Literal["cam"] = "cam"
    """`cam`: relu(sum over channels of gradient * features), which is Grad-CAM times the number of positions."""
    operating_points: tuple[OperatingPoint, ...] = ()
    default_operating_point: str | None = None
    refusal: RefusalLimits = RefusalLimits()
    prediction_set: PredictionSetSpec | None = None
    outputs: tuple[str, ...] = ("probabilities", "logits", "embedding", "ood_score", "evidence")
    """The outputs the graph has; an imported model may lack all but the first."""
    runtime: RuntimeSpec = RuntimeSpec()
    converted_from: Conversion | None = None
    backbone: str | None = None
    data: DataSummary = DataSummary()
    licence: str = "unknown"
    commercial_use: bool = False
    fingerprints: Fingerprints = Fingerprints()
    code_revision: str | None = None
    settings: dict[str, Any] = Field(default_factory=dict)
    libraries: dict[str, str] = Field(default_factory=dict)
