"""The training run: data to the best weights, resumable after a kill at any moment."""

from __future__ import annotations

import json
import logging
import os
import shutil
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import numpy as np
import torch
from lightning.pytorch.callbacks import Callback, EarlyStopping, ModelCheckpoint, WeightAveraging
from safetensors.torch import save_file
from torch import Tensor
from torch.utils.data import DataLoader

from nevus.errors import InputError, NevusError
from nevus.training.dataset import Examples, FramedImages, ReadPixels, TrainingImages
from nevus.training.losses import ClassificationLoss
from nevus.training.module import LesionModule
from nevus.training.network import LesionNetwork
from nevus.training.sampling import EpochSampler
from nevus.training.scores import HIGHER_IS_BETTER
from nevus.training.settings import ModelSettings, TrainingSettings
from nevus.training.targets import Targets

PRECISIONS = {"fp32": "32-true", "bf16": "bf16-mixed", "fp16": "16-mixed"}
WEIGHTS = "weights.safetensors"
HISTORY = "history.json"

History = list[dict[str, float | int | str]]
Report = Callable[[int, int, dict[str, float | int | str] | None], None]
"""Called with (batches done, batches in all, an epoch's entry of the history when one has ended)."""


class TrainingError(NevusError):
    """The training itself went wrong (such as a loss that isn't a number)."""


@dataclass(frozen=True)
class Trained:
    """What a training leaves.

    Attributes:
        weights: safetensors file of the best epoch's network.
        history: one entry an epoch.
        best: the best epoch's entry.
    """

    weights: Path
    history: History
    best: dict[str, float | int | str]


def fit(  # noqa: PLR0917 - each argument is a different thing
    network: LesionNetwork,
    train: Examples,
    validation: Examples,
    read: ReadPixels,
    model: ModelSettings,
    settings: TrainingSettings,
    targets: Targets,
    output: Path,
    report: Report | None = None,
) -> Trained:
    """Train, or go on with the training whose checkpoint lies in `output`; same settings, same result.

    Args:
        network: freshly built, with its first weights.
        train: what is learnt from.
        validation: what chooses the epoch.
        read: pixels of an image by its id.
        targets: the classes.
        output: folder for checkpoints, history and the best weights.
        report: hears of progress, on the first rank alone.

    Raises:
        InputError: `training.monitor` is no validation metric.
        TrainingError: the loss became infinite or not a number.
    """
    if settings.monitor not in HIGHER_IS_BETTER:
        raise InputError(
            f"training.monitor: no metric {settings.monitor!r}; choose one of {', '.join(sorted(HIGHER_IS_BETTER))}."
        )
    _quieten()
    torch.set_num_threads(settings.threads or len(os.sched_getaffinity(0)))
    output.mkdir(parents=True, exist_ok=True)
    counts = np.bincount(train.labels, minlength=len(targets.classes)).astype(np.int64)
    loss = ClassificationLoss(settings.imbalance, counts, settings.label_smoothing)
    module = LesionModule(network, settings, loss, validation, targets)
    best, last = _checkpoints(settings, output)
    trainer = _trainer(settings, output, [best, *_callbacks(settings, report)])
    resumed = str(last) if last.exists() else None
    module.history = []
    trainer.fit(
        module,
        train_dataloaders=_train_loader(train, read, model, settings, trainer),
        val_dataloaders=_validation_loader(validation, read, model, settings, trainer),
        ckpt_path=resumed,
    )
    if trainer.interrupted:
        raise KeyboardInterrupt
    return _finish(module, best, settings, output) if trainer.is_global_zero else _other_rank(output)


def _finish(module: LesionModule, best: ModelCheckpoint, settings: TrainingSettings, output: Path) -> Trained:
    path = Path(best.best_model_path)
    if not path.is_file():
        raise TrainingError(
            f"training left no checkpoint in {output}; the metric {settings.monitor} was never a number."
        )
    checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    state = {
        name.removeprefix("network."): value.contiguous()
        for name, value in checkpoint["state_dict"].items()
        if name.startswith("network.")
    }
    partial = output / (WEIGHTS + ".partial")
    save_file(state, partial)
    partial.replace(output / WEIGHTS)
    (output / (HISTORY + ".partial")).write_text(json.dumps(module.history, indent=1))
    (output / (HISTORY + ".partial")).replace(output / HISTORY)
    epoch = int(checkpoint["epoch"])
    entry = next(e for e in module.history if e["epoch"] == epoch)
    return Trained(output / WEIGHTS, module.history, entry)


def _other_rank(output: Path) -> Trained:
    return Trained(output / WEIGHTS, [], {})


def _checkpoints(settings: TrainingSettings, output: Path) -> tuple[ModelCheckpoint, Path]:
    folder = output / "checkpoints"
    callback = ModelCheckpoint(
        dirpath=folder,
        filename="best",
        monitor=f"validation_{settings.monitor}",
        mode=_mode(settings),
        save_top_k=1,
        save_last=True,
        enable_version_counter=False,
        auto_insert_metric_name=False,
    )
    return callback, folder / "last.ckpt"


def _mode(settings: TrainingSettings) -> str:
    return "max" if HIGHER_IS_BETTER[settings.monitor] else "min"


def _callbacks(settings: TrainingSettings, report: Report | None) -> list[Callback]:
    callbacks: list[Callback] = [_StopAtNan()]
    if settings.ema_decay is not None:
        callbacks.append(WeightAveraging(avg_fn=_WarmAverage(settings.ema_decay)))
    if settings.patience is not None:
        monitor = f"validation_{settings.monitor}"
        callbacks.append(EarlyStopping(monitor, mode=_mode(settings), patience=settings.patience))
    if report is not None:
        callbacks.append(_Reporting(report))
    return callbacks


class _WarmAverage:
    """EMA whose decay rises as (1 + n) / (10 + n) up to its value, so that short trainings aren't held back."""

    def __init__(self, decay: float) -> None:
        self._decay = decay

    def __call__(self, averaged: Tensor, current: Tensor, seen: Tensor | int) -> Tensor:
        if not averaged.is_floating_point():
            return current
        n = float(seen)
        return averaged.lerp(current.to(averaged.dtype), 1 - min(self._decay, (1 + n) / (10 + n)))


class _StopAtNan(Callback):
    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        loss = outputs["loss"] if isinstance(outputs, dict) else outputs
        if loss is not None and not torch.isfinite(loss).all():
            raise TrainingError(
                f"the loss became {float(loss)} in epoch {trainer.current_epoch}, batch {batch_idx}. Lower "
                "training.optimiser.learning_rate, or train with precision fp32."
            )


class _Reporting(Callback):
    def __init__(self, report: Report) -> None:
        self._report = report

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        if trainer.is_global_zero:
            batches = int(trainer.num_training_batches)
            self._report(trainer.current_epoch * batches + batch_idx + 1, int(trainer.max_epochs or 1) * batches, None)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.is_global_zero and not trainer.sanity_checking and isinstance(pl_module, LesionModule):
            batches = int(trainer.num_training_batches)
            done = (trainer.current_epoch + 1) * batches
            self._report(done, int(trainer.max_epochs or 1) * batches, pl_module.history[-1])


def _trainer(settings: TrainingSettings, output: Path, callbacks: list[Callback]) -> pl.Trainer:
    several = settings.devices * settings.hosts > 1
    return pl.Trainer(
        default_root_dir=output,
        accelerator=settings.accelerator,
        devices=settings.devices,
        num_nodes=settings.hosts,
        strategy="ddp_find_unused_parameters_true" if several else "auto",
        precision=PRECISIONS[settings.precision],  # type: ignore[arg-type]
        max_epochs=settings.total_epochs,
        accumulate_grad_batches=settings.accumulate,
        gradient_clip_val=settings.optimiser.gradient_clip,
        deterministic=True,
        use_distributed_sampler=False,
        num_sanity_val_steps=0,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=callbacks,
    )


def _train_loader(
    train: Examples, read: ReadPixels, model: ModelSettings, settings: TrainingSettings, trainer: pl.Trainer
) -> DataLoader[Any]:
    images = TrainingImages(train, read, model, settings.augmentation, seed=settings.seed, scale_at=settings.scale_at)
    sampler = EpochSampler(
        train.labels,
        batch_size=settings.batch_size,
        sampler_power=settings.imbalance.sampler_power,
        images_per_epoch=settings.images_per_epoch or len(train),
        seed=settings.seed,
        epoch=lambda: _epoch_of(trainer, len(sampler), settings.accumulate),
        rank=trainer.global_rank,
        world=trainer.world_size,
    )
    return DataLoader(images, batch_sampler=sampler, num_workers=settings.workers, **_worker_options(settings))


def _epoch_of(trainer: pl.Trainer, batches: int, accumulate: int) -> int:
    """The epoch about to be drawn, from the count of optimiser steps, which a resumed trainer knows at once."""
    steps_an_epoch = -(-batches // accumulate)
    return int(trainer.global_step) // steps_an_epoch


def _validation_loader(
    validation: Examples, read: ReadPixels, model: ModelSettings, settings: TrainingSettings, trainer: pl.Trainer
) -> DataLoader[Any]:
    images = FramedImages(validation, read, model)
    rows = list(range(trainer.global_rank, len(validation), trainer.world_size))
    return DataLoader(images, batch_size=32, sampler=rows, num_workers=settings.workers, **_worker_options(settings))


def _worker_options(settings: TrainingSettings) -> dict[str, Any]:
    return {"worker_init_fn": _one_thread, "prefetch_factor": 4} if settings.workers else {}


def _one_thread(_: int) -> None:
    torch.set_num_threads(1)


def _quieten() -> None:
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module=r"lightning\..*")
    warnings.filterwarnings("ignore", message=".*LeafSpec.*")


def clear(output: Path) -> None:
    """Forget a training, so that the next one starts anew."""
    shutil.rmtree(output / "checkpoints", ignore_errors=True)
