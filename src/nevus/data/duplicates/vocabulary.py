"""A vocabulary of local structure: each keypoint's descriptor becomes a few words and a short binary signature."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_DIMENSIONS = 64
"""Principal components kept of a descriptor; the signature has two bits for each."""
_ROUNDS = 10
_PER_WORD = 150
"""Keypoints that should fall to one word: the words grow with the collection, so that the search stays affordable."""
_MOST_CELLS = 512
WORDS = 3
"""Words that a descriptor is looked up under: its nearest word in each of the three nearest cells."""


@dataclass(frozen=True)
class Vocabulary:
    """Cells, and words within each cell; learned without labels from a sample of the collection itself.

    Attributes:
        mean: [128]; axes: [128, 64]; planes: [64, 128], on which side of them a descriptor lies is its signature.
        cells: [C, 64]; words: [C, W, 64].
    """

    mean: NDArray[np.float32]
    axes: NDArray[np.float32]
    planes: NDArray[np.float32]
    cells: NDArray[np.float32]
    words: NDArray[np.float32]

    @property
    def size(self) -> int:
        """The number of words."""
        return int(self.words.shape[0] * self.words.shape[1])

    def encode(self, descriptors: NDArray[np.uint8]) -> tuple[NDArray[np.int32], NDArray[np.uint64]]:
        """Words int32 [K, WORDS], nearest cell first, and for each word a signature: uint64 [K, WORDS, 2].

        A signature says how the descriptor lies relative to its word, so it tells apart what the word does not.
        """
        points = ((descriptors.astype(np.float32) - self.mean) @ self.axes).astype(np.float32, copy=False)
        centres = self.words.reshape(-1, self.words.shape[2])
        affinity = points @ self.cells.T - 0.5 * (self.cells**2).sum(axis=1)
        words = np.empty((len(points), WORDS), np.int32)
        signatures = np.empty((len(points), WORDS, 2), np.uint64)
        rows = np.arange(len(points))
        for probe in range(WORDS):
            cell = affinity.argmax(axis=1)
            if len(self.cells) > WORDS:
                affinity[rows, cell] = -np.inf
            words[:, probe] = self._within(points, cell)
            sides = (points - centres[words[:, probe]]) @ self.planes > 0
            signatures[:, probe] = np.packbits(sides, axis=1).view(np.uint64)
        return words, signatures

    def _within(self, points: NDArray[np.float32], cell: NDArray[np.int64]) -> NDArray[np.int32]:
        word = np.empty(len(points), np.int32)
        order = np.argsort(cell, kind="stable")
        ends = np.cumsum(np.bincount(cell, minlength=len(self.cells)))
        for c, centres in enumerate(self.words):
            rows = order[ends[c - 1] if c else 0 : ends[c]]
            if len(rows):
                affinity = points[rows] @ centres.T - 0.5 * (centres**2).sum(axis=1)
                word[rows] = c * len(centres) + affinity.argmax(axis=1)
        return word


def learn_vocabulary(sample: NDArray[np.uint8], total: int, seed: int) -> Vocabulary:
    """Learn a vocabulary for a collection of `total` keypoints from a sample uint8 [S, 128] of their descriptors."""
    random = np.random.default_rng(seed)
    values = sample.astype(np.float32)
    mean = values.mean(axis=0)
    _, axes = np.linalg.eigh(np.cov((values - mean).T, ddof=0))
    axes = np.ascontiguousarray(axes[:, ::-1][:, :_DIMENSIONS], np.float32)
    points = (values - mean) @ axes
    side = int(np.clip(np.sqrt(total / _PER_WORD), 2, _MOST_CELLS))
    cells = _cluster(points[random.permutation(len(points))[: 500 * side]], side, random)
    nearest = (points @ cells.T - 0.5 * (cells**2).sum(axis=1)).argmax(axis=1)
    words = [_cluster(points[nearest == c], side, random, fallback=points) for c in range(side)]
    bases = [np.linalg.qr(random.normal(size=(_DIMENSIONS, _DIMENSIONS)))[0] for _ in range(2)]
    return Vocabulary(mean, axes, np.concatenate(bases, axis=1).astype(np.float32), cells, np.stack(words))


def _cluster(
    points: NDArray[np.float32],
    count: int,
    random: np.random.Generator,
    fallback: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """`count` centres by Lloyd's rounds; a centre that loses all its points starts anew at a random one."""
    if fallback is not None and len(points) < count:
        points = fallback
    centres = points[random.choice(len(points), count, replace=len(points) < count)].copy()
    for _ in range(_ROUNDS):
        nearest = (points @ centres.T - 0.5 * (centres**2).sum(axis=1)).argmax(axis=1)
        members = np.bincount(nearest, minlength=count)
        order = np.argsort(nearest, kind="stable")
        kept = members > 0
        starts = (np.cumsum(members) - members)[kept]
        centres[kept] = np.add.reduceat(points[order], starts, axis=0) / members[kept][:, None]
        centres[~kept] = points[random.choice(len(points), int((~kept).sum()))]
    return centres
