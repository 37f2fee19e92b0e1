"""What watches a training from outside: average of weights, early stopping, the guard against NaN, and the reporter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import Callback, EarlyStopping
from torch import Tensor

from nevus.errors import NevusError
from nevus.training.module import LesionModule

Entry = dict[str, float | int | str]
Report = Callable[[int, int, Entry | None], None]
"""Called with (batches done, batches in all, an epoch's entry of the history when one has ended)."""


class TrainingError(NevusError):
    """The training itself went wrong (such as a loss that isn't a number)."""


class WarmAverage:
    """EMA whose decay rises as (1 + n) / (10 + n) up to its value, so that short trainings aren't held back."""

    def __init__(self, decay: float) -> None:
        self._decay = decay

    def __call__(self, averaged: Tensor, current: Tensor, seen: Tensor | int) -> Tensor:
        """The new average, after `seen` averages before."""
        if not averaged.is_floating_point():
            return current
        n = float(seen)
        return averaged.lerp(current.to(averaged.dtype), 1 - min(self._decay, (1 + n) / (10 + n)))


class StopEarly(EarlyStopping):
    """Early stopping that is still in force when a stopped training is taken up again."""

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Stop at once if the checkpoint says that the patience is at its end."""
        if self.wait_count >= self.patience:
            trainer.should_stop = True


class StopAtNan(Callback):
    """Ends a training whose loss is infinite or not a number: it can't recover."""

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Look at the loss."""
        loss = outputs["loss"] if isinstance(outputs, dict) else outputs
        if loss is not None and not torch.isfinite(loss).all():
            raise TrainingError(
                f"the loss became {float(loss)} in epoch {trainer.current_epoch}, batch {batch_idx}. Lower "
                "training.optimiser.learning_rate, or train with precision fp32."
            )


class Reporting(Callback):
    """Tells how far the training is, on the first rank alone."""

    def __init__(self, report: Report) -> None:
        self._report = report

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """A batch is done."""
        if trainer.is_global_zero:
            batches = int(trainer.num_training_batches)
            self._report(trainer.current_epoch * batches + batch_idx + 1, int(trainer.max_epochs or 1) * batches, None)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """An epoch is done."""
        if trainer.is_global_zero and not trainer.sanity_checking and isinstance(pl_module, LesionModule):
            batches = int(trainer.num_training_batches)
            done = (trainer.current_epoch + 1) * batches
            self._report(done, int(trainer.max_epochs or 1) * batches, pl_module.history[-1])
