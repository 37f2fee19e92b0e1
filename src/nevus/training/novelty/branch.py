"""The part of the graph that looks at a picture's make: a shallow frozen backbone on a reduced image."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from nevus.errors import InputError
from nevus.training.novelty.statistics import map_statistics

MOST_CHANNELS = 128
"""Wider maps are mixed down to so many channels, so that the statistics stay few enough for their covariance."""


class BranchError(InputError):
    """The backbone has no intermediate feature maps to look at."""


def depths(backbone: nn.Module, reductions: Sequence[int] = (8, 16)) -> list[int]:
    """Indices, in timm's `feature_info`, of the last map of at most each reduction; at least one index.

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
    if len(set(levels)) == 1:  # a transformer: one reduction throughout
        return sorted({len(levels) // 4, len(levels) // 2})
    last = [max((i for i, level in enumerate(levels) if level <= most), default=0) for most in reductions]
    return sorted(set(last))


class NoveltyBranch(nn.Module):
    """Pixels to statistics of the channels of intermediate feature maps.

    The backbone is copied as it is handed in and stays so: give it the initial (ImageNet) weights, not the fine-tuned
    ones, which have forgotten what other pictures look like. Before it the image is averaged down, which makes the
    statistics blind to re-encoding, and its channels are put in order: skin is redder than blue, so an image that is
    bluer than red has come with the two exchanged (as published copies of ISIC 2020 do).

    Args:
        backbone: a timm model without its head.
        mean: three channel means, in pixel values 0..255.
        std: three channel spreads, in pixel values.
        short_side: the image is averaged over squares, so that its short side is about this long.
    """

    def __init__(self, backbone: nn.Module, mean: Sequence[float], std: Sequence[float], short_side: int = 48) -> None:
        super().__init__()
        self.indices = depths(backbone)
        self.short_side = short_side
        trunk = copy.deepcopy(backbone)
        trunk.prune_intermediate_layers(self.indices, prune_norm=True, prune_head=True)  # type: ignore[operator]
        self.trunk = trunk.requires_grad_(False).eval()
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(std, dtype=torch.float32).view(1, 3, 1, 1))
        with torch.no_grad():
            widths = [maps.shape[1] for maps in self._maps(torch.zeros(1, 3, 64, 64))]
        for number, width in enumerate(widths):
            self.register_buffer(f"mix{number}", _mixture(width) if width > MOST_CHANNELS else None)

    def train(self, mode: bool = True) -> NoveltyBranch:  # noqa: ARG002 - it stays as it is
        """The branch never leaves evaluation mode."""
        return super().train(False)

    def forward(self, pixels: Tensor) -> Tensor:
        """Pixels 0..255 [N,3,H,W] to statistics float32 [N,F]; see `map_statistics`, map after map."""
        image = pixels.float()
        step = max(1, round(min(image.shape[2:]) / self.short_side))
        image = nn.functional.avg_pool2d(image, step)
        level = image.mean((2, 3))
        exchanged = (level[:, 2] > level[:, 0])[:, None, None, None]
        image = torch.where(exchanged, image.flip(1), image)
        found = self._maps((image - self.get_buffer("mean")) / self.get_buffer("std"))
        return torch.cat([map_statistics(self._mixed(maps, number)) for number, maps in enumerate(found)], 1)

    def _maps(self, image: Tensor) -> list[Tensor]:
        found: list[Tensor] = self.trunk.forward_intermediates(  # type: ignore[operator]
            image, indices=self.indices, stop_early=True, intermediates_only=True
        )
        return found

    def _mixed(self, maps: Tensor, number: int) -> Tensor:
        mix: Tensor | None = getattr(self, f"mix{number}")
        return maps if mix is None else nn.functional.conv2d(maps, mix)


def _mixture(width: int) -> Tensor:
    """Fixed random orthogonal rows [128, width, 1, 1]: they about keep the distances between channels' vectors."""
    generator = torch.Generator().manual_seed(width)
    rows, _ = torch.linalg.qr(torch.randn(width, MOST_CHANNELS, generator=generator, dtype=torch.float64))
    mixed: Tensor = rows.T.float().contiguous()
    return mixed[:, :, None, None]
