"""What is kept of a feature map: how strong and how varied each channel is, and how the middle differs from the rim."""

from __future__ import annotations

import torch
from torch import Tensor

_FLOOR = 1e-8
"""Cut, not added: torch's exporter takes so small a summand for zero and drops it from the graph."""


def map_statistics(maps: Tensor) -> Tensor:
    """Feature maps [N,C,h,w] to [N,4C]: mean, spread, and both in the middle less both at the rim.

    Dermoscopy has its lesion in the middle; most other pictures have nothing special there. The middle is a Hann window
    over both sides, the rim what it leaves.
    """
    height, width = maps.shape[2:]
    window = _hann(height, maps)[:, None] * _hann(width, maps)[None, :]
    weights = torch.stack([torch.ones_like(window), window, 1 - window]).flatten(1)
    weights = weights / weights.sum(1, keepdim=True)
    flat = maps.flatten(2)
    middle = flat.mean(2, keepdim=True)
    away = flat - middle
    shift = away @ weights.T
    spread = torch.sqrt(torch.clamp(away.square() @ weights.T - shift.square(), min=_FLOOR))
    return torch.cat(
        [middle[:, :, 0], spread[:, :, 0], shift[:, :, 1] - shift[:, :, 2], spread[:, :, 1] - spread[:, :, 2]], 1
    )


def _hann(length: int, like: Tensor) -> Tensor:
    at = (torch.arange(length, dtype=like.dtype, device=like.device) + 0.5) / length
    return torch.sin(torch.pi * at).square()
