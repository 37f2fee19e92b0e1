"""Checkpoints of a training: the last epoch's, to go on from, and the best epoch's, each file whole or not there."""

from __future__ import annotations

import io
import math
import os
import shutil
from pathlib import Path
from typing import Any, Final

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import Checkpoint
from lightning.pytorch.plugins.io import TorchCheckpointIO

LAST: Final = "last.ckpt"
BEST: Final = "best.ckpt"


class EveryEpoch(Checkpoint):
    """At the end of every epoch writes `last.ckpt`, and `best.ckpt` where the epoch is the best so far.

    Lightning's own `save_last` writes only when the best changes, so that a kill on a plateau would lose the epochs
    since then. An epoch whose metric isn't a number is never the best.

    Args:
        folder: where they go.
        monitor: name of the logged metric.
        higher_is_better: its direction.
    """

    def __init__(self, folder: Path, monitor: str, *, higher_is_better: bool) -> None:
        self._folder, self._monitor, self._higher = folder, monitor, higher_is_better
        self._best = math.nan

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Write them, the best first: its value is known to `last.ckpt` only once `best.ckpt` is on the disk."""
        value = float(trainer.callback_metrics[self._monitor])
        last, best = self._folder / LAST, self._folder / BEST
        if not self._improves(value):
            trainer.save_checkpoint(last)
            return
        self._best = value
        trainer.save_checkpoint(best)
        if trainer.is_global_zero:
            linked = last.with_name(LAST + ".partial")
            linked.unlink(missing_ok=True)
            try:
                os.link(best, linked)
            except OSError:  # a file system without hard links
                shutil.copyfile(best, linked)
            linked.replace(last)

    def _improves(self, value: float) -> bool:
        if math.isnan(value) or math.isnan(self._best):
            return not math.isnan(value)
        return value > self._best if self._higher else value < self._best

    def state_dict(self) -> dict[str, Any]:
        """The best value so far."""
        return {"best": self._best}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from it."""
        self._best = float(state_dict["best"])


class WholeFiles(TorchCheckpointIO):
    """Writes a checkpoint beside its place, brings it to the disk, and renames it.

    Lightning's own goes through the system's temporary folder: no rename across file systems is atomic.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None) -> None:
        """Write it.

        Raises:
            OSError: no room, among others; the file that was there stays.
        """
        place = Path(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        buffer = io.BytesIO()
        torch.save(checkpoint, buffer)
        partial = place.with_name(place.name + ".partial")
        try:
            with partial.open("wb") as file:
                file.write(buffer.getbuffer())
                file.flush()
                os.fsync(file.fileno())
            partial.replace(place)
        except OSError:
            partial.unlink(missing_ok=True)
            raise
