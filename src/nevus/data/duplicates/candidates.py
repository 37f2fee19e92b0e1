"""Candidates: the few pairs of images worth a closer look."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nevus.data.duplicates.collection import Collection
from nevus.data.duplicates.vocabulary import WORDS, Vocabulary, learn_vocabulary
from nevus.data.duplicates.voting import Index, vote

_SAMPLE_IMAGES = 1500
_KEYPOINTS = 300
"""The strongest keypoints of an image that vote."""
_BATCH = 500
_ROWS = 1024


@dataclass(frozen=True)
class Candidate:
    """A pair to examine, its first image before the second; `mirrored` is None where both have to be tried."""

    a: int
    b: int
    mirrored: bool | None = None


def all_pairs(group: NDArray[np.int64], *, mirrored: bool) -> list[Candidate]:
    """Every pair across groups: for a collection small enough."""
    a, b = np.triu_indices(len(group), k=1)
    across = group[a] != group[b]
    either = None if mirrored else False
    return [Candidate(int(i), int(j), either) for i, j in zip(a[across], b[across], strict=True)]


def by_structure(
    collection: Collection, group: NDArray[np.int64], *, count: int, mirrored: bool, seed: int
) -> list[Candidate]:
    """The `count` pairs across groups that share most local structure, mirrored ones among them."""
    vocabulary = _learn(collection, seed)
    base = _index(collection, vocabulary)
    pairs, scores = vote(base, base, group)
    flips = np.zeros(len(pairs), bool)
    if mirrored:
        more, more_scores = vote(_index(collection, vocabulary, mirrored=True), base, group, mirrored=True)
        pairs, scores = np.concatenate([pairs, more]), np.concatenate([scores, more_scores])
        flips = np.concatenate([flips, np.ones(len(more), bool)])
    best = np.lexsort((flips, pairs[:, 1], pairs[:, 0], -scores))[:count]
    return [Candidate(int(a), int(b), bool(flip)) for (a, b), flip in zip(pairs[best], flips[best], strict=True)]


def by_embedding(
    embeddings: NDArray[np.float32], group: NDArray[np.int64], *, neighbours: int, mirrored: bool
) -> list[Candidate]:
    """Each image with its nearest images of other groups, by the angle between embeddings [N, D]."""
    unit = embeddings / np.maximum(np.linalg.norm(embeddings, axis=1, keepdims=True), 1e-12)
    found: set[tuple[int, int]] = set()
    neighbours = min(neighbours, len(unit) - 1)
    for start in range(0, len(unit), _ROWS) if neighbours > 0 else ():
        alike = unit[start : start + _ROWS] @ unit.T
        alike[group[start : start + _ROWS, None] == group[None]] = -np.inf
        nearest = np.argpartition(-alike, neighbours - 1, axis=1)[:, :neighbours]
        for row, columns in enumerate(nearest):
            a = start + row
            found |= {(min(a, int(b)), max(a, int(b))) for b in columns if np.isfinite(alike[row, b])}
    return [Candidate(a, b, None if mirrored else False) for a, b in sorted(found)]


def _learn(collection: Collection, seed: int) -> Vocabulary:
    random = np.random.default_rng(seed)
    chosen = random.permutation(np.flatnonzero(collection.counts))[:_SAMPLE_IMAGES]
    sample = np.concatenate([collection[int(i)].descriptors[:_KEYPOINTS] for i in chosen])
    return learn_vocabulary(sample, int(np.minimum(collection.counts, _KEYPOINTS).sum()), seed)


def _index(collection: Collection, vocabulary: Vocabulary, *, mirrored: bool = False) -> Index:
    counts = np.minimum(collection.counts, _KEYPOINTS)
    frames: list[NDArray[np.float32]] = []
    words: list[NDArray[np.int32]] = []
    signatures: list[NDArray[np.uint64]] = []
    for start in range(0, len(collection), _BATCH):
        batch = [collection[i] for i in range(start, min(start + _BATCH, len(collection)))]
        if mirrored:
            batch = [keypoints.mirrored() for keypoints in batch]
        frames += [keypoints.frames[:_KEYPOINTS] for keypoints in batch]
        encoded = vocabulary.encode(np.concatenate([keypoints.descriptors[:_KEYPOINTS] for keypoints in batch]))
        words.append(encoded[0])
        signatures.append(encoded[1])
    image = np.repeat(np.arange(len(collection), dtype=np.int32), counts)
    return Index(
        image,
        np.concatenate(frames),
        np.concatenate(words).reshape(-1, WORDS),
        np.concatenate(signatures).reshape(-1, WORDS, 2),
        vocabulary.size,
        len(collection),
    )
