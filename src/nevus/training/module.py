"""The Lightning module: two phases, the loss, the schedule, and the validation metrics that choose the best epoch."""

from __future__ import annotations

import math
from typing import Any

import lightning.pytorch as pl
import numpy as np
import torch
import torch.distributed
from numpy.typing import NDArray
from torch import Tensor

from nevus.training.dataset import Examples
from nevus.training.losses import ClassificationLoss
from nevus.training.network import LesionNetwork
from nevus.training.scores import validation_scores
from nevus.training.settings import TrainingSettings
from nevus.training.targets import Targets


class LesionModule(pl.LightningModule):
    """Trains a `LesionNetwork`.

    Args:
        network: what is trained.
        settings: how.
        loss: mean loss of a batch.
        validation: the validation part, whose rows the validation loader gives.
        targets: the classes.
        steps: optimiser steps of the whole training.
    """

    def __init__(
        self,
        network: LesionNetwork,
        settings: TrainingSettings,
        loss: ClassificationLoss,
        validation: Examples,
        targets: Targets,
        *,
        steps: int,
    ) -> None:
        super().__init__()
        self.network = network.to(memory_format=torch.channels_last)
        self.loss = loss
        self._settings = settings
        self._validation = validation
        self._targets = targets
        self._steps = steps
        self._seen: list[tuple[NDArray[np.int64], NDArray[np.float32]]] = []
        self._losses: list[float] = []
        self.history: list[dict[str, float | int | str]] = []

    def configure_optimizers(self) -> Any:
        """AdamW, decay on matrices and kernels only; linear warm-up, then cosine, by optimiser step."""
        options = self._settings.optimiser
        groups = []
        for in_backbone in (True, False):
            factor = options.backbone_factor if in_backbone else 1.0
            for decays in (True, False):
                chosen = [
                    p
                    for name, p in self.network.named_parameters()
                    if p.requires_grad and name.startswith("backbone.") == in_backbone and (p.ndim > 1) == decays
                ]
                decay = options.weight_decay if decays else 0.0
                groups.append({"params": chosen, "lr": options.learning_rate * factor, "weight_decay": decay})
        optimiser = torch.optim.AdamW([g for g in groups if g["params"]])
        schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: options.factor_at(step, self._steps))
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def on_train_epoch_start(self) -> None:
        """Choose the phase."""
        self.network.head_only = self.current_epoch < self._settings.head_epochs
        self.network.train()
        self._losses = []

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        """Dropout's randomness is a function of seed, epoch, batch and rank."""
        torch.manual_seed(hash((self._settings.seed, self.current_epoch, batch_idx, self.global_rank)) % 2**63)

    def training_step(self, batch: tuple[Tensor, Tensor, Tensor], batch_idx: int) -> Tensor:
        """Mean loss of a batch."""
        image, metadata, labels = batch
        loss: Tensor
        if self._settings.mixup:
            share, order = blend(self._settings.mixup, len(labels))
            image = torch.lerp(image[order].float(), image.float(), share)
            metadata = torch.lerp(metadata[order], metadata, share)
            logits = self.network(_channels_last(image), metadata)
            loss = share * self.loss(logits, labels) + (1 - share) * self.loss(logits, labels[order])
        else:
            loss = self.loss(self.network(_channels_last(image), metadata), labels)
        self._losses.append(float(loss.detach()))
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor, Tensor], batch_idx: int) -> None:
        """Keep the logits of a batch."""
        image, metadata, rows = batch
        logits = self.network(_channels_last(image), metadata)
        self._seen.append((rows.cpu().numpy(), logits.float().cpu().numpy()))

    def on_validation_epoch_end(self) -> None:
        """Metrics over the whole validation part, gathered from all ranks; the same on each."""
        seen = _gather(self._seen)
        self._seen = []
        if self.trainer.sanity_checking:
            return
        rows = np.concatenate([r for r, _ in seen])
        logits = np.concatenate([z for _, z in seen])
        first = np.unique(rows, return_index=True)[1]
        kept = rows[first]
        groups = tuple(self._validation.groups[row] for row in kept)
        scores = validation_scores(logits[first], self._validation.labels[kept], groups, self._targets)
        losses = [x for part in _gather([self._losses]) for x in part]
        entry: dict[str, float | int | str] = {
            "epoch": self.current_epoch,
            "phase": "head" if self.network.head_only else "all",
            "learning_rate": float(self.trainer.optimizers[0].param_groups[-1]["lr"]),
            "train_loss": float(np.mean(losses)) if losses else math.nan,
            **{f"validation_{name}": value for name, value in scores.items()},
        }
        self.history = [e for e in self.history if int(e["epoch"]) < self.current_epoch] + [entry]
        self.log_dict({f"validation_{k}": torch.tensor(v) for k, v in scores.items()}, rank_zero_only=False)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """The history travels with the checkpoint."""
        checkpoint["history"] = self.history

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Go on with the history of the checkpoint."""
        self.history = list(checkpoint.get("history", []))


def blend(alpha: float, images: int) -> tuple[float, Tensor]:
    """The share of a batch's own images in its mixup, 0..1, and the order int64 [images] of those blended in."""
    share = float(torch.distributions.Beta(alpha, alpha).sample())
    return share, torch.randperm(images)


def _channels_last(image: Tensor) -> Tensor:
    return image.float().contiguous(memory_format=torch.channels_last)


def _gather(values: list[Any]) -> list[Any]:
    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return values
    parts: list[Any] = [None] * torch.distributed.get_world_size()
    torch.distributed.all_gather_object(parts, values)
    return [value for part in parts for value in part]
