"""The part of the graph that looks at a picture's make: a shallow frozen backbone on a reduced image."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from nevus.errors import InputError


class BranchError(InputError):
    """The backbone has no intermediate feature map to look at."""


def depth_for(backbone: nn.Module, reduction: int) -> int:
    """Index of the backbone's last intermediate feature map of at most this reduction, or of its first one.

    Raises:
        BranchError: timm records no intermediate feature maps for this backbone.
    """
    info = getattr(backbone, "feature_info", None)
    if info is None or not hasattr(backbone, "forward_intermediates"):
        raise BranchError(
            f"{type(backbone).__name__} gives no intermediate feature maps, so no novelty score can be fitted "
            "(model.backbone). Choose a convolutional backbone of timm."
        )
    levels = [int(level["reduction"]) for level in (info if isinstance(info, list) else info.info)]
    fitting = [index for index, level in enumerate(levels) if level <= reduction]
    return fitting[-1] if fitting and levels[0] < levels[-1] else max(0, len(levels) // 4 - 1)


class NoveltyBranch(nn.Module):
    """Pixels to the mean and spread of each channel of an intermediate feature map.

    The backbone is copied as it is handed in and stays so: give it the initial (ImageNet) weights, not the fine-tuned
    ones, which have forgotten what other pictures look like. Before it the image is averaged down, which makes
    the statistics blind to re-encoding, and its channels are put in order: skin is redder than blue, so an image that is
    bluer than red has come with red and blue exchanged (as published copies of ISIC 2020 do).

    Args:
        backbone: a timm model without its head.
        mean: three channel means, in pixel values 0..255.
        std: three channel spreads, in pixel values.
        reduction: see `depth_for`.
        short_side: the image is averaged over squares, so that its short side is about this long.
    """

    def __init__(
        self, backbone: nn.Module, mean: Sequence[float], std: Sequence[float], reduction: int = 8, short_side: int = 96
    ) -> None:
        super().__init__()
        self.index = depth_for(backbone, reduction)
        self.short_side = short_side
        trunk = copy.deepcopy(backbone)
        trunk.prune_intermediate_layers([self.index], prune_norm=True, prune_head=True)  # type: ignore[operator]
        self.trunk = trunk.requires_grad_(False).eval()
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(std, dtype=torch.float32).view(1, 3, 1, 1))

    def train(self, mode: bool = True) -> NoveltyBranch:  # noqa: ARG002 - it stays as it is
        """The branch never leaves evaluation mode."""
        return super().train(False)

    def forward(self, pixels: Tensor) -> Tensor:
        """Pixels 0..255 [N,3,H,W] to statistics float32 [N,2C]: channel means, then channel spreads."""
        image = pixels.float()
        step = max(1, round(min(image.shape[2:]) / self.short_side))
        image = nn.functional.avg_pool2d(image, step)
        level = image.mean((2, 3))
        exchanged = (level[:, 2] > level[:, 0])[:, None, None, None]
        image = torch.where(exchanged, image.flip(1), image)
        image = (image - self.get_buffer("mean")) / self.get_buffer("std")
        (maps,) = self.trunk.forward_intermediates(  # type: ignore[operator]
            image, indices=[self.index], stop_early=True, intermediates_only=True
        )
        middle = maps.mean((2, 3), keepdim=True)
        spread = torch.sqrt((maps - middle).square().mean((2, 3)) + 1e-8)
        return torch.cat([middle[:, :, 0, 0], spread], 1)
