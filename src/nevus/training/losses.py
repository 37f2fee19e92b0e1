"""The loss: cross entropy or focal, with class weights, label smoothing and logit adjustment."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from nevus.training.settings import ImbalanceSettings


class ClassificationLoss(nn.Module):
    """Mean loss over a batch.

    With `logit_adjustment` tau, tau * log(prior) is added to the logits before the softmax (Menon et al., "Long-tail
    learning via logit adjustment", ICLR 2021), where the prior is that of the images as the sampler draws them.
    With `focal`, each image's cross entropy is multiplied by (1 - p_true)**gamma (Lin et al., ICCV 2017).

    Args:
        settings: the choices about imbalance.
        counts: images of each class in the training part, shape [C].
        smoothing: label smoothing, 0..1.
    """

    def __init__(self, settings: ImbalanceSettings, counts: NDArray[np.int64], smoothing: float = 0.0) -> None:
        super().__init__()
        drawn = class_shares(counts, settings.sampler_power)
        self.smoothing = smoothing
        self.gamma = settings.focal_gamma if settings.loss == "focal" else 0.0
        self.register_buffer("shift", _float(settings.logit_adjustment * np.log(drawn)), persistent=False)
        self.register_buffer("weight", _float(_class_weights(settings, counts)), persistent=False)

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Logits [N,C] and labels int64 [N] to a scalar, computed in float32."""
        shifted = logits.float() + self.get_buffer("shift")
        weight = self.get_buffer("weight")
        each = F.cross_entropy(shifted, labels, weight, label_smoothing=self.smoothing, reduction="none")
        if self.gamma:
            p_true = F.softmax(shifted, 1).gather(1, labels[:, None]).squeeze(1)
            each = each * (1 - p_true) ** self.gamma
        return each.sum() / weight[labels].sum()


def class_shares(counts: NDArray[np.int64], sampler_power: float) -> NDArray[np.float64]:
    """Share of each class among the drawn images, shape [C], summing to 1; proportional to n**(1 - power)."""
    scaled = np.maximum(counts, 1).astype(np.float64) ** (1 - sampler_power)
    shares: NDArray[np.float64] = scaled / scaled.sum()
    return shares


def _class_weights(settings: ImbalanceSettings, counts: NDArray[np.int64]) -> NDArray[np.float64]:
    n = np.maximum(counts, 1).astype(np.float64)
    raw = {"none": np.ones_like(n), "inverse": 1 / n, "inverse_sqrt": n**-0.5}[settings.class_weights]
    weights: NDArray[np.float64] = raw / (raw * n).sum() * n.sum()
    return weights


def _float(values: NDArray[np.float64]) -> Tensor:
    return torch.tensor(values, dtype=torch.float32)
