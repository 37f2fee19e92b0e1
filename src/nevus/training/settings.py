"""The settings of the network and of its training."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from nevus.bundle.schema import View
from nevus.settings import Section

Share = Annotated[float, Field(ge=0, le=1)]
Weights = Literal["timm", "none"] | Path


class ModelSettings(Section):
    """Which network, from which weights, on which input."""

    backbone: str = "mobilenetv2_100"
    """Any model name of timm."""
    backbone_options: dict[str, Any] = Field(default_factory=dict)
    """Further arguments of `timm.create_model`, such as `{pad_type: same}`."""
    weights: Weights = "timm"
    """`timm` (its hub), `none` (random), or a local safetensors file of the backbone."""
    mean: tuple[float, float, float] | None = None
    std: tuple[float, float, float] | None = None
    """Normalisation of pixels in 0..1; null for what timm records for the backbone."""
    height: int = Field(default=224, ge=16, le=2048)
    width: int = Field(default=224, ge=16, le=2048)
    rule: Literal["cover", "contain"] = "cover"
    frozen: Share = 0.0
    """Reduction stages of the backbone, from the input, that keep their pretrained weights, as a share of its depth."""
    dropout: Share = 0.2
    metadata: bool = False
    """Let age, sex and site join additively in the head."""
    metadata_dropout: Share = 0.1
    """Share of training images whose metadata is hidden, so that 'unknown' is learnt too."""
    views: tuple[View, ...] = ("identity",)
    """Test-time views inside the graph, whose features are averaged."""

    @model_validator(mode="after")
    def _both_or_none(self) -> ModelSettings:
        if (self.mean is None) != (self.std is None):
            raise ValueError("mean and std are given together or not at all")
        if "identity" not in self.views or len(set(self.views)) != len(self.views):
            raise ValueError("views holds 'identity' and names each view once")
        return self


class Transform(Section):
    """One transform of `torchvision.transforms.v2`: its class name and arguments, with what probability."""

    name: str
    options: dict[str, Any] = Field(default_factory=dict)
    probability: Share = 1.0


class AugmentationSettings(Section):
    """Random changes of training images: a crop to the input frame, then the declared transforms in order."""

    crop_scale: tuple[Share, Share] = (0.5, 1.0)
    """Share of the image's area that the random crop covers."""
    crop_stretch: float = Field(default=1.15, ge=1.0)
    """Largest change of aspect ratio by the crop, either way."""
    transforms: tuple[Transform, ...] = (
        Transform(name="RandomHorizontalFlip"),
        Transform(name="RandomVerticalFlip"),
        Transform(name="ColorJitter", options={"brightness": 0.25, "contrast": 0.25, "saturation": 0.25, "hue": 0.04}),
    )


class ImbalanceSettings(Section):
    """What is done about rare classes. The choices add up; `logit_adjustment` corrects for what the sampler left."""

    sampler_power: Share = 0.0
    """Images of a class of n images are drawn in proportion to n**(1 - power): 0 as they come, 1 all classes alike."""
    class_weights: Literal["none", "inverse", "inverse_sqrt"] = "none"
    logit_adjustment: float = Field(default=0.0, ge=0, le=2)
    """Strength of the log-prior added to the logits in the loss (Menon et al., ICLR 2021); 1 makes classes alike."""
    loss: Literal["cross_entropy", "focal"] = "cross_entropy"
    focal_gamma: float = Field(default=2.0, ge=0)


class OptimiserSettings(Section):
    """AdamW with warm-up and cosine decay."""

    learning_rate: float = Field(default=1e-3, gt=0)
    backbone_factor: float = Field(default=1.0, gt=0)
    """Learning rate of the backbone relative to the head's."""
    weight_decay: float = Field(default=0.05, ge=0)
    warmup_share: Share = 0.05
    final_factor: float = Field(default=0.005, ge=0, le=1)
    gradient_clip: float | None = Field(default=5.0, gt=0)

    def factor_at(self, step: int, steps: int) -> float:
        """Factor on the learning rates before optimiser step `step` (0 the first) of `steps`."""
        warm = max(round(self.warmup_share * steps), 1)
        cosine = 0.5 * (1 + math.cos(math.pi * min(step / steps, 1.0)))
        return min(1.0, (step + 1) / warm) * (self.final_factor + (1 - self.final_factor) * cosine)


class ResolutionStage(Section):
    """From the start of training until `until` (share of all epochs), images are `scale` times the input's sides."""

    until: Share
    scale: float = Field(gt=0, le=1)


class TrainingSettings(Section):
    """How the network is trained."""

    seed: int = 0
    head_epochs: int = Field(default=1, ge=0)
    """First phase: only the head learns."""
    epochs: int = Field(default=10, ge=1)
    """Second phase: everything that isn't frozen learns."""
    images_per_epoch: int | None = Field(default=None, ge=1)
    """Images drawn in an epoch; null for as many as there are."""
    batch_size: int = Field(default=32, ge=2)
    accumulate: int = Field(default=1, ge=1)
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    resolutions: tuple[ResolutionStage, ...] = ()
    augmentation: AugmentationSettings = AugmentationSettings()
    imbalance: ImbalanceSettings = ImbalanceSettings()
    optimiser: OptimiserSettings = OptimiserSettings()
    label_smoothing: Share = 0.0
    mixup: float = Field(default=0.0, ge=0, le=2)
    """Alpha of mixup (Zhang et al., ICLR 2018): each batch is blended with itself in another order; 0 for none."""
    ema_decay: float | None = Field(default=None, gt=0, lt=1)
    """Exponential moving average of the weights, with warm-up; null for none."""
    monitor: str = "balanced_accuracy"
    """A metric of the validation part: what early stopping watches and what names the best epoch."""
    patience: int | None = Field(default=None, ge=1)
    """Epochs without improvement after which training stops; null never."""
    accelerator: Literal["cpu", "cuda", "auto"] = "cpu"
    devices: int = Field(default=1, ge=1)
    hosts: int = Field(default=1, ge=1)
    workers: int = Field(default=1, ge=0)
    """Processes that load images, for each device."""
    threads: int | None = Field(default=None, ge=1)
    """Threads of torch; null for all usable processors."""

    @field_validator("resolutions")
    @classmethod
    def _ordered(cls, value: tuple[ResolutionStage, ...]) -> tuple[ResolutionStage, ...]:
        ends = [stage.until for stage in value]
        if ends != sorted(set(ends)):
            raise ValueError("the stages of resolutions must have rising 'until'")
        return value

    @property
    def total_epochs(self) -> int:
        """Epochs of both phases."""
        return self.head_epochs + self.epochs

    def scale_at(self, epoch: int) -> float:
        """Factor on the input's sides in `epoch` (0 the first)."""
        progress = epoch / self.total_epochs
        return next((stage.scale for stage in self.resolutions if progress < stage.until), 1.0)
