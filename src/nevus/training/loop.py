"""The training run: data to the best weights, resumable after a kill at any moment."""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
import signal
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import numpy as np
import torch
from lightning.pytorch.callbacks import Callback, WeightAveraging
from safetensors.torch import save_file
from torch.utils.data import DataLoader

from nevus.errors import InputError
from nevus.training.callbacks import Entry, Report, Reporting, StopAtNan, StopEarly, TrainingError, WarmAverage
from nevus.training.checkpoints import BEST, LAST, EveryEpoch, WholeFiles
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
CHECKPOINTS = "checkpoints"

History = list[Entry]


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
    best: Entry


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
    trainer = _trainer(settings, output, _callbacks(settings, output, report))
    sampler = _sampler(train, settings, trainer)
    steps = _steps_an_epoch(sampler, settings) * settings.total_epochs
    module = LesionModule(network, settings, loss, validation, targets, steps=steps)
    last = output / CHECKPOINTS / LAST
    with _interruptible(trainer):
        trainer.fit(
            module,
            train_dataloaders=_train_loader(train, read, model, settings, sampler),
            val_dataloaders=_validation_loader(validation, read, model, settings, trainer),
            ckpt_path=last if last.exists() else None,
        )
    return _finish(module, settings, output) if trainer.is_global_zero else Trained(output / WEIGHTS, [], {})


def _finish(module: LesionModule, settings: TrainingSettings, output: Path) -> Trained:
    path = output / CHECKPOINTS / BEST
    if not path.is_file():
        raise TrainingError(
            f"training left no best epoch in {output}: {settings.monitor} was never a number on the validation part. "
            "Choose another training.monitor, or a split whose validation part holds every class."
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


@contextmanager
def _interruptible(trainer: pl.Trainer) -> Iterator[None]:
    """Lightning turns Ctrl-C into a silent exit and a request to terminate into success; both mean: interrupted."""
    before = signal.getsignal(signal.SIGINT)
    try:
        yield
    except SystemExit as error:
        if trainer.interrupted:
            raise KeyboardInterrupt from error
        raise
    finally:
        if before is not None and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, before)


def _callbacks(settings: TrainingSettings, output: Path, report: Report | None) -> list[Callback]:
    monitor, higher = f"validation_{settings.monitor}", HIGHER_IS_BETTER[settings.monitor]
    callbacks: list[Callback] = [StopAtNan()]
    if settings.ema_decay is not None:
        callbacks.append(WeightAveraging(avg_fn=WarmAverage(settings.ema_decay)))
    if settings.patience is not None:
        mode = "max" if higher else "min"
        callbacks.append(StopEarly(monitor, mode=mode, patience=settings.patience, check_finite=False))
    if report is not None:
        callbacks.append(Reporting(report))
    return [*callbacks, EveryEpoch(output / CHECKPOINTS, monitor, higher_is_better=higher)]


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
        plugins=[WholeFiles()],
    )


def _sampler(train: Examples, settings: TrainingSettings, trainer: pl.Trainer) -> EpochSampler:
    sampler = EpochSampler(
        train.labels,
        batch_size=settings.batch_size,
        sampler_power=settings.imbalance.sampler_power,
        images_per_epoch=settings.images_per_epoch or len(train),
        seed=settings.seed,
        # the epoch about to be drawn, from the count of optimiser steps, which a resumed trainer knows at once
        epoch=lambda: int(trainer.global_step) // _steps_an_epoch(sampler, settings),
        rank=trainer.global_rank,
        world=trainer.world_size,
    )
    return sampler


def _steps_an_epoch(sampler: EpochSampler, settings: TrainingSettings) -> int:
    """Optimiser steps; the batches that are left over at the end of an epoch make one as well.

    Lightning's own count isn't asked for: to find it, it starts the loader's workers before it has restored the
    position of a checkpoint, and a resumed run would begin with the images of epoch 0.
    """
    return -(-len(sampler) // settings.accumulate)


def _train_loader(
    train: Examples, read: ReadPixels, model: ModelSettings, settings: TrainingSettings, sampler: EpochSampler
) -> DataLoader[Any]:
    images = TrainingImages(train, read, model, settings.augmentation, seed=settings.seed, scale_at=settings.scale_at)
    return DataLoader(images, batch_sampler=sampler, num_workers=settings.workers, **_worker_options(settings))


def _validation_loader(
    validation: Examples, read: ReadPixels, model: ModelSettings, settings: TrainingSettings, trainer: pl.Trainer
) -> DataLoader[Any]:
    """Each rank's share; the last rows are repeated so that all ranks have as many batches, else they wait for ever."""
    images = FramedImages(validation, read, model)
    share = -(-len(validation) // trainer.world_size)
    rows = [(trainer.global_rank + k * trainer.world_size) % len(validation) for k in range(share)]
    return DataLoader(images, batch_size=32, sampler=rows, num_workers=settings.workers, **_worker_options(settings))


def _worker_options(settings: TrainingSettings) -> dict[str, Any]:
    """Of the processes that read images.

    Several devices: their collectives run in threads of C++, which come and go in the interpreter. A process that is
    forked at such a moment waits for ever (CPython up to 3.11 re-makes that lock too late in the child), and all ranks
    with it. A server without threads forks them instead.
    """
    if not settings.workers:
        return {}
    options: dict[str, Any] = {"worker_init_fn": _one_thread, "prefetch_factor": 4}
    if settings.devices * settings.hosts > 1:
        multiprocessing.set_forkserver_preload(["nevus.training.worker"])
        options |= {"multiprocessing_context": "forkserver", "persistent_workers": True}  # they take seconds to start
    return options


def _one_thread(_: int) -> None:
    torch.set_num_threads(1)


def _quieten() -> None:
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module=r"lightning\..*")
    warnings.filterwarnings("ignore", message=".*LeafSpec.*")
