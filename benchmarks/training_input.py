"""Does the input keep up with the training? The loader against reading and augmenting alone, the loop against itself.

    python benchmarks/training_input.py --run runs/ham10000 [--config configs/ham10000.yaml] [--rounds 5] [--json FILE]

Two figures, each from runs that alternate within this process, round by round; the ratio is the median of the rounds'
own ratios, so that another program that disturbs one round doesn't decide:

- the loader alone, with a worker a processor, against processors x a bare single-threaded loop of reading a prepared
  image and augmenting it;
- the loop, as a run trains, against the same loop fed with one batch again and again.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from torch.utils.data import DataLoader

from nevus.data.parallel import usable_cpus
from nevus.data.prepare import PreparedImages
from nevus.pipeline.loading import load_settings
from nevus.pipeline.settings import RunSettings
from nevus.pipeline.tables import read_split_manifest
from nevus.training import loop
from nevus.training.augmentation import Augmentation
from nevus.training.dataset import Examples, TrainingImages
from nevus.training.examples import make_examples
from nevus.training.network import LesionNetwork
from nevus.training.sampling import Draw, EpochSampler
from nevus.training.targets import Targets, choose_targets

GOALS = {"loader / (processors x bare)": 0.80, "loop / loop on a constant batch": 0.85}
WARM = 4
"""Batches of a loop that aren't timed."""


class Bench:
    """One run's images and settings, at the size that ships."""

    def __init__(self, run: Path, config: Path, batches: int) -> None:
        settings = load_settings(RunSettings, config, [])
        rows = read_split_manifest(str(run / "manifest.parquet"), str(run / "split.parquet"))
        self.targets: Targets = choose_targets(rows, settings.task, (), settings.data.malignant)
        self.images = PreparedImages.open(str(run / "prepared"))
        self.model = settings.model.model_copy(update={"weights": "none", "metadata": False})
        self.batches = batches
        self.training = settings.training.model_copy(
            update={
                "epochs": 1,
                "head_epochs": 0,
                "resolutions": (),
                "images_per_epoch": batches * settings.training.batch_size,
            }
        )
        self.learning = self._part(rows, "train")
        self.validation = self._part(rows, "validation", 64)

    def _part(self, rows: pl.DataFrame, part: str, most: int | None = None) -> Examples:
        chosen = rows.filter(pl.col("split") == part).head(most or rows.height)
        return make_examples(chosen, self.targets, None, part=part)

    def bare(self) -> float:
        """Images a second, one thread: read and augment."""
        torch.set_num_threads(1)
        augment = Augmentation(self.training.augmentation, self.model.height, self.model.width)
        names = self.learning.image_ids[: self.training.batch_size * min(self.batches, 20)]
        started = time.perf_counter()
        for name in names:
            augment(torch.from_numpy(self.images.pixels_of(name).copy()).permute(2, 0, 1))
        return len(names) / (time.perf_counter() - started)

    def loader(self) -> float:
        """Images a second of the loader that training uses, with a worker a processor; its start isn't timed."""
        training = self.training.model_copy(update={"workers": usable_cpus()})
        batches = iter(loop._train_loader(self.learning, self._read, self.model, training, self._sampler()))
        for _ in range(WARM):
            next(batches)
        started = time.perf_counter()
        count = sum(len(labels) for _, _, labels in batches)
        return count / (time.perf_counter() - started)

    def _read(self, image_id: str) -> np.ndarray[Any, np.dtype[np.uint8]]:
        return self.images.pixels_of(image_id)

    def _sampler(self) -> EpochSampler:
        return EpochSampler(
            self.learning.labels,
            batch_size=self.training.batch_size,
            sampler_power=self.training.imbalance.sampler_power,
            images_per_epoch=self.training.batch_size * self.batches,
            seed=0,
            epoch=lambda: 0,
        )

    def loop(self) -> float:
        """Images a second of the training loop."""
        times: list[float] = []

        def report(done: int, total: int, entry: object) -> None:  # noqa: ARG001 - the loop's own signature
            if entry is None:
                times.append(time.perf_counter())

        torch.manual_seed(0)
        network = LesionNetwork(self.model, len(self.targets.classes), 0)
        with tempfile.TemporaryDirectory() as folder:
            loop.fit(
                network,
                self.learning,
                self.validation,
                self._read,
                self.model,
                self.training,
                self.targets,
                Path(folder),
                report,
            )
        return self.training.batch_size * (len(times) - 1 - WARM) / (times[-1] - times[WARM])

    def constant(self) -> float:
        """The same where every batch is the first one, made beforehand."""
        images = TrainingImages(
            self.learning, self._read, self.model, self.training.augmentation, seed=0, scale_at=lambda _: 1.0
        )
        batch = torch.utils.data.default_collate([images[Draw(0, row, row)] for row in range(self.training.batch_size)])
        usual = loop._train_loader
        loop._train_loader = lambda *_: Again(batch, self.batches)  # type: ignore[assignment]
        try:
            return self.loop()
        finally:
            loop._train_loader = usual


class Again(DataLoader[Any]):
    """One batch, so many times."""

    def __init__(self, batch: Any, times: int) -> None:
        super().__init__([batch] * times, batch_size=None)  # type: ignore[arg-type]


def rounds(first: Callable[[], float], second: Callable[[], float], count: int) -> Iterator[tuple[float, float]]:
    """Both in turns, the order swapped every round."""
    for number in range(count):
        if number % 2:
            b, a = second(), first()
        else:
            a, b = first(), second()
        yield a, b


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True, help="output folder of a run: its prepared images and split")
    parser.add_argument("--config", type=Path, default=Path("configs/ham10000.yaml"))
    parser.add_argument("--batches", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, help="also write the figures here")
    asked = parser.parse_args()
    bench = Bench(asked.run, asked.config, asked.batches)
    cores = usable_cpus()
    input_rounds = list(rounds(bench.loader, bench.bare, asked.rounds))
    loop_rounds = list(rounds(bench.loop, bench.constant, asked.rounds))
    ratios = {
        "loader / (processors x bare)": statistics.median(a / (cores * b) for a, b in input_rounds),
        "loop / loop on a constant batch": statistics.median(a / b for a, b in loop_rounds),
    }
    rates = {
        "bare, one thread": statistics.median(b for _, b in input_rounds),
        "loader": statistics.median(a for a, _ in input_rounds),
        "loop": statistics.median(a for a, _ in loop_rounds),
        "loop on a constant batch": statistics.median(b for _, b in loop_rounds),
    }
    print(f"{cores} processors, batches of {bench.training.batch_size}, {bench.model.height}x{bench.model.width}")
    for name, rate in rates.items():
        print(f"  {name:<28} {rate:8.1f} images/s")
    for name, ratio in ratios.items():
        print(f"  {name:<32} {ratio:.3f}   (goal {GOALS[name]:.2f})")
    if asked.json:
        asked.json.write_text(json.dumps({"processors": cores, "rates": rates, "ratios": ratios}, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
