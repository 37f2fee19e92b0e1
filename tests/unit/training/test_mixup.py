from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from nevus.training.dataset import Examples
from nevus.training.losses import ClassificationLoss
from nevus.training.module import LesionModule, blend
from nevus.training.settings import ImbalanceSettings, TrainingSettings
from nevus.training.targets import Targets

CLASSES = ("mel", "nv")


class Means(nn.Module):
    """Logits that are linear in the pixels: what mixup must then do to them is known exactly."""

    head_only = False

    def forward(self, image: torch.Tensor, metadata: torch.Tensor) -> torch.Tensor:
        self.seen = image, metadata
        return image.mean((2, 3))[:, :2]


def module(mixup: float) -> LesionModule:
    none = Examples((), np.zeros(0, np.int64), (), np.zeros((0, 2), np.float32), np.zeros(2, np.float32))
    loss = ClassificationLoss(ImbalanceSettings(), np.array([5, 5]))
    settings = TrainingSettings(mixup=mixup)
    return LesionModule(Means(), settings, loss, none, Targets("diagnosis", CLASSES, ("mel",)), steps=1)  # type: ignore[arg-type]


def batch() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(0)
    image = torch.randint(0, 9, (6, 3, 4, 5), generator=random, dtype=torch.uint8)
    return image, torch.rand((6, 2), generator=random), torch.tensor([0, 1, 1, 0, 1, 0])


def test_images_metadata_and_labels_are_blended_by_the_same_share_and_order() -> None:
    image, metadata, labels = batch()
    blended = module(0.4)
    torch.manual_seed(3)
    loss = blended.training_step((image, metadata, labels), 0)
    torch.manual_seed(3)
    share, order = blend(0.4, 6)
    assert 0.01 < share < 0.99
    assert (order != torch.arange(6)).any()
    seen, known = blended.network.seen  # type: ignore[union-attr]
    torch.testing.assert_close(seen, share * image.float() + (1 - share) * image[order].float())
    torch.testing.assert_close(known, share * metadata + (1 - share) * metadata[order])
    log_p = torch.log_softmax(seen.mean((2, 3))[:, :2], 1)
    truth = share * nn.functional.one_hot(labels, 2) + (1 - share) * nn.functional.one_hot(labels[order], 2)
    assert float(loss) == pytest.approx(float(-(truth * log_p).sum(1).mean()), abs=1e-6)


def test_without_mixup_the_batch_stays_as_it_is() -> None:
    image, metadata, labels = batch()
    plain = module(0.0)
    plain.training_step((image, metadata, labels), 0)
    torch.testing.assert_close(plain.network.seen[0], image.float())  # type: ignore[union-attr]


def test_a_small_alpha_leaves_most_batches_nearly_as_they_are() -> None:
    shares = np.array([blend(0.1, 2)[0] for _ in range(2000)])
    assert ((shares < 0.05) | (shares > 0.95)).mean() == pytest.approx(0.755, abs=0.05)  # of Beta(.1, .1): .755
