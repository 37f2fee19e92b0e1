"""What a bundle's graph computes: raw pixels to probabilities, logits, embedding, novelty and evidence."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from nevus.bundle.schema import View
from nevus.errors import InputError
from nevus.training.network import VIEWS, LesionNetwork

_NEVER = -1e9


class BundleGraph(nn.Module):
    """The network with everything that inference needs inside it.

    The test-time views are averaged on the last feature map, each turned back first. The head is linear in the pooled
    map, so the logits are those of the averaged map, and the evidence is exact:
    relu(sum over channels of d log-odds / d pooled * features), which is Grad-CAM (Selvaraju et al., ICCV 2017) of the
    malignant log-odds times the number of positions. The log-odds are those of the probabilities as given, so they
    carry the temperature.

    Args:
        network: a trained network.
        malignant: bool [C]; at least one class on either side.
        views: test-time views.
        temperature: the logits are divided by it before the softmax.
        novelty: module of (network, normalised image [N,3,H,W]) -> score [N], higher = stranger; null for zeros.

    Raises:
        InputError: all classes are malignant, or none.
    """

    def __init__(
        self,
        network: LesionNetwork,
        malignant: NDArray[np.bool_],
        views: Sequence[View] = ("identity",),
        temperature: float = 1.0,
        novelty: nn.Module | None = None,
    ) -> None:
        super().__init__()
        if malignant.all() or not malignant.any():
            raise InputError(
                "the classes must hold at least one malignant and one benign diagnosis (classes, malignant)."
            )
        self.network = network
        self.novelty = novelty
        self._views = tuple(views)
        self.register_buffer("temperature", torch.tensor([temperature], dtype=torch.float32))
        mask = torch.from_numpy(malignant)
        self.register_buffer("only_malignant", torch.where(mask, 0.0, _NEVER), persistent=False)
        self.register_buffer("only_benign", torch.where(mask, _NEVER, 0.0), persistent=False)

    def forward(self, image: Tensor, metadata: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """uint8 [N,H,W,3] and float32 [N,M] to the five outputs, named in `export.OUTPUTS`."""
        network = self.network
        pixels = network.normalise(image.permute(0, 3, 1, 2))
        features = self._averaged_features(pixels)
        pooled = features.mean((2, 3))
        logits = network.head(pooled, metadata)
        scaled = logits / self.get_buffer("temperature")
        ood = self.novelty(network, pixels) if self.novelty is not None else pooled.sum(1) * 0.0
        return torch.softmax(scaled, 1), logits, pooled, ood, self._evidence(scaled, features)

    def _averaged_features(self, pixels: Tensor) -> Tensor:
        if len(self._views) == 1:
            single: Tensor = self.network.backbone(pixels)
            return single
        turned = torch.cat([VIEWS[view](pixels) for view in self._views])
        maps = self.network.backbone(turned).unflatten(0, (len(self._views), -1))
        back = [VIEWS[view](maps[number]) for number, view in enumerate(self._views)]
        return torch.stack(back).mean(0)

    def _evidence(self, scaled: Tensor, features: Tensor) -> Tensor:
        signs = torch.softmax(scaled + self.get_buffer("only_malignant"), 1)
        signs = signs - torch.softmax(scaled + self.get_buffer("only_benign"), 1)
        weights = signs @ self.network.image_fc.weight / self.get_buffer("temperature")
        return torch.relu((features * weights[:, :, None, None]).sum(1))


def malignant_log_odds(logits: Tensor, malignant: Tensor) -> Tensor:
    """log(sum of malignant probabilities / sum of the others), [N], of logits [N,C] that carry the temperature."""
    return torch.logsumexp(logits[:, malignant], 1) - torch.logsumexp(logits[:, ~malignant], 1)
