"""The novelty score as part of the exported graph."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from nevus.training.novelty.branch import NoveltyBranch
from nevus.training.novelty.parameters import CLIP, LEAST, NoveltyParameters


class NoveltyScore(nn.Module):
    """How much an image looks like something other than dermoscopy; higher = stranger.

    In spreads of the training lesions' scores above their mean. A plain function of the pixels: it shares nothing with
    the classifier, so fine-tuning can't blind it.
    """

    def __init__(self, branch: NoveltyBranch, parameters: NoveltyParameters) -> None:
        super().__init__()
        self.branch = branch
        for name in ("centre", "scale", "weight", "whitening", "distance", "bias"):
            self.register_buffer(name, torch.as_tensor(getattr(parameters, name)).float())

    def forward(self, network: nn.Module, pixels: Tensor) -> Tensor:  # noqa: ARG002 - what the graph hands to any score
        """Normalised images [N,3,H,W] to scores float32 [N]; `network` plays no part."""
        branch = self.branch
        statistics = branch(pixels * branch.get_buffer("std") + branch.get_buffer("mean"))
        z = (statistics - self.get_buffer("centre")) / self.get_buffer("scale")
        away = torch.log(torch.clamp((z @ self.get_buffer("whitening").T).square().sum(1), min=LEAST))
        cut = torch.clamp(z, -CLIP, CLIP)
        linear = torch.cat([cut, cut.abs()], 1) @ self.get_buffer("weight")
        return linear + self.get_buffer("distance") * away + self.get_buffer("bias")
