"""The network: a backbone's last feature map, a global average pool, one linear term for it and one for metadata."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from nevus.bundle.schema import View
from nevus.training.backbones import create_backbone, feature_width, frozen_stages
from nevus.training.settings import ModelSettings

_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


class LesionNetwork(nn.Module):
    """Images (and metadata) to logits, such that the class-activation map of every logit is exact.

    Args:
        settings: backbone, weights, dropout.
        classes: number of classes C.
        metadata_width: M, 0 for none.
    """

    def __init__(self, settings: ModelSettings, classes: int, metadata_width: int = 0) -> None:
        super().__init__()
        self.backbone = create_backbone(settings)
        self.width = feature_width(self.backbone)
        self.dropout = nn.Dropout(settings.dropout)
        self.image_fc = nn.Linear(self.width, classes)
        self.metadata_fc = nn.Linear(metadata_width, classes, bias=False) if metadata_width else None
        self.head_only = False
        """While true only the head learns."""
        self._frozen = frozen_stages(self.backbone, settings.frozen)
        for part in self._frozen:
            part.requires_grad_(False)
        mean, std = _normalisation(self.backbone, settings)
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1) * 255, persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1) * 255, persistent=False)

    def normalise(self, image: Tensor) -> Tensor:
        """Pixels 0..255 [N,3,H,W] of any type to the backbone's input, float32."""
        mean, std = self.get_buffer("mean"), self.get_buffer("std")
        return (image.float() - mean) / std

    def features(self, image: Tensor) -> Tensor:
        """Pixels 0..255 [N,3,H,W] to the last feature map [N,D,h,w]."""
        features: Tensor = self.backbone(self.normalise(image))
        return features

    def head(self, pooled: Tensor, metadata: Tensor | None) -> Tensor:
        """Pooled features [N,D] and metadata [N,M] to logits [N,C]."""
        logits: Tensor = self.image_fc(self.dropout(pooled))
        if self.metadata_fc is not None and metadata is not None:
            logits = logits + self.metadata_fc(metadata)
        return logits

    def forward(self, image: Tensor, metadata: Tensor | None = None) -> Tensor:
        """Logits [N,C]; while `head_only`, the backbone gets no gradient."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.head_only):
            pooled = self.features(image).mean((2, 3))
        return self.head(pooled, metadata)

    def train(self, mode: bool = True) -> LesionNetwork:
        """Set the mode; what doesn't learn stays in evaluation mode, so that its batch statistics don't move."""
        super().train(mode)
        if mode:
            for part in [self.backbone] if self.head_only else self._frozen:
                part.eval()
        return self


def _normalisation(
    backbone: nn.Module, settings: ModelSettings
) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    if settings.mean is not None and settings.std is not None:
        return settings.mean, settings.std
    recorded = getattr(backbone, "pretrained_cfg", {})
    return tuple(recorded.get("mean", _IMAGENET[0])), tuple(recorded.get("std", _IMAGENET[1]))


VIEWS: dict[View, Callable[[Tensor], Tensor]] = {
    "identity": lambda x: x,
    "flip_horizontal": lambda x: x.flip(3),
    "flip_vertical": lambda x: x.flip(2),
    "rotate_180": lambda x: x.flip(2, 3),
}
"""Test-time views of [N,*,H,W]; each is its own inverse."""
