"""Grad-CAM by autograd: the oracle for the evidence that the graph computes in closed form."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from nevus.training.network import VIEWS, LesionNetwork


def grad_cam(
    net: LesionNetwork,
    malignant: np.ndarray,
    image: Tensor,
    metadata: Tensor,
    views: Sequence[str] = ("identity",),
    temperature: float = 1.0,
) -> Tensor:
    """Per image: relu(sum_c mean(d log-odds / d A_c) A_c) times the number of positions, [N,h,w].

    A is the mean over the views of the last feature map, each turned back; the log-odds are those of the malignant
    classes against the others.

    Args:
        net: in evaluation mode.
        malignant: bool [C].
        image: uint8 [N,H,W,3].
        metadata: float32 [N,M].
    """
    pixels = net.normalise(image.permute(0, 3, 1, 2))
    with torch.no_grad():
        maps = torch.stack([VIEWS[view](net.backbone(VIEWS[view](pixels))) for view in views]).mean(0)
    maps.requires_grad_(True)
    logits = net.head(maps.mean((2, 3)), metadata) / temperature
    p = torch.softmax(logits.double(), 1)
    bad = torch.from_numpy(malignant)
    odds = torch.log(p[:, bad].sum(1)) - torch.log(p[:, ~bad].sum(1))
    (gradient,) = torch.autograd.grad(odds.sum(), maps)
    positions = maps.shape[2] * maps.shape[3]
    return torch.relu((gradient.mean((2, 3), keepdim=True) * maps).sum(1)).detach() * positions
