"""Which images an epoch draws, in which order: a pure function of seed and epoch, whatever was killed and resumed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nevus.training.losses import class_shares


@dataclass(frozen=True)
class Draw:
    """One image to load: the epoch, its place in the epoch's order, and its row."""

    epoch: int
    place: int
    row: int


class EpochSampler:
    """A batch sampler that asks for the epoch when it is iterated, and gives each rank its slice of every batch.

    Args:
        labels: int [n], the class of each row.
        batch_size: images a batch on each rank; the last incomplete batch of an epoch is dropped.
        sampler_power: see `ImbalanceSettings`; at 0 each row is drawn once before any is drawn again.
        images_per_epoch: draws an epoch over all ranks.
        seed: of the order.
        epoch: called at the start of each iteration; says which epoch it is.
    """

    def __init__(
        self,
        labels: NDArray[np.int64],
        *,
        batch_size: int,
        sampler_power: float,
        images_per_epoch: int,
        seed: int,
        epoch: Callable[[], int],
        rank: int = 0,
        world: int = 1,
    ) -> None:
        self._labels = labels
        self._batch = batch_size
        self._power = sampler_power
        self._draws = images_per_epoch
        self._seed = seed
        self._epoch = epoch
        self._rank, self._world = rank, world

    def __len__(self) -> int:
        return max(self._draws // (self._batch * self._world), 1)

    def __iter__(self) -> Iterator[list[Draw]]:
        epoch = self._epoch()
        order = self.order(epoch)
        span = self._batch * self._world
        for number in range(len(self)):
            start = number * span + self._rank * self._batch
            places = [p % len(order) for p in range(start, start + self._batch)]
            yield [Draw(epoch, place, int(order[place])) for place in places]

    def order(self, epoch: int) -> NDArray[np.int64]:
        """Rows in the order in which `epoch` draws them, shape [images_per_epoch]."""
        random = np.random.default_rng([self._seed, epoch])
        n = len(self._labels)
        if self._power == 0:
            rounds = [random.permutation(n) for _ in range(-(-self._draws // n))]
            return np.concatenate(rounds)[: self._draws].astype(np.int64)
        counts = np.bincount(self._labels)
        share = class_shares(counts, self._power) / np.maximum(counts, 1)
        weights = share[self._labels]
        return random.choice(n, self._draws, p=weights / weights.sum()).astype(np.int64)
