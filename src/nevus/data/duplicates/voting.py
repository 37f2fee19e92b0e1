"""Voting: pairs of images that share much local structure, found through words without comparing every two images."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nevus.data.duplicates.vocabulary import WORDS

_BITS = 34
"""Two signatures of 128 bits that differ in at most so many mean the same structure; unrelated ones differ in 64."""
_SOFT = 24.0
_CHUNK = 4096
_COMMON = 5000
"""A word that more keypoints carry says nothing and is passed over, as it would cost most of the time."""
_TURNS, _SCALES = 16, 9
"""Bins of the turn (22.5 degrees) and of the scale (octaves from 1/16 to 16) that a pair's votes are counted in."""


@dataclass(frozen=True)
class Index:
    """The keypoints of a collection as words.

    Attributes:
        image: int32 [K], the image of each keypoint.
        frames: float32 [K, 4], as in `Keypoints`.
        words: int32 [K, WORDS]; signatures: uint64 [K, WORDS, 2].
        size: words in the vocabulary; images: how many images.
    """

    image: NDArray[np.int32]
    frames: NDArray[np.float32]
    words: NDArray[np.int32]
    signatures: NDArray[np.uint64]
    size: int
    images: int


def vote(
    queries: Index, base: Index, group: NDArray[np.int64], *, mirrored: bool = False
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Score pairs of images by the keypoints that look alike and agree on one turn and scale.

    Args:
        queries: the collection, or, with `mirrored`, its mirrored keypoints.
        base: the collection.
        group: int64 [images]; pairs within a group aren't sought.
        mirrored: whether `queries` are mirrored.

    Returns:
        Pairs [P, 2] with the first image before the second, and scores [P].
    """
    found = list(_alike(queries, base, group))
    if not found:
        return np.zeros((0, 2), np.int64), np.zeros(0, np.float32)
    query, hit, distance = (np.concatenate(parts) for parts in zip(*found, strict=True))
    # A structure that looks like many others says little, whichever side it stands on.
    rarity = np.bincount(query, minlength=len(queries.image))[query] * np.bincount(hit, minlength=len(base.image))[hit]
    weight = np.exp(-((distance / _SOFT) ** 2)) / np.sqrt(rarity)
    a, b = queries.image[query].astype(np.int64), base.image[hit].astype(np.int64)
    turn = (base.frames[hit, 3] - queries.frames[query, 3]) / (2 * np.pi)
    octave = np.log2(base.frames[hit, 2] / queries.frames[query, 2])
    swap = a > b
    if not mirrored:  # seen from the other side a turn runs backwards; one that mirrors is its own inverse
        turn = np.where(swap, -turn, turn)
    octave = np.where(swap, -octave, octave)
    keys, pair = np.unique(np.minimum(a, b) * base.images + np.maximum(a, b), return_inverse=True)
    scores = _fullest_bin(pair, turn % 1.0, octave, weight, len(keys))
    return np.stack([keys // base.images, keys % base.images], axis=1), scores


def _alike(
    queries: Index, base: Index, group: NDArray[np.int64]
) -> Iterator[tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.uint8]]]:
    """Keypoints of a shared word and similar signature, in images of different groups: query, base, differing bits."""
    asked, asked_ends = _by_word(queries.words.ravel(), base.size)
    held, held_ends = _by_word(base.words[:, 0], base.size)
    for word in range(base.size):
        entries = asked[asked_ends[word] : asked_ends[word + 1]]
        columns = held[held_ends[word] : held_ends[word + 1]]
        if not 0 < len(columns) <= _COMMON:
            continue
        there = base.signatures[columns, 0]
        for start in range(0, len(entries), _CHUNK):
            part, probe = np.divmod(entries[start : start + _CHUNK], WORDS)
            here = queries.signatures[part, probe]
            bits = np.bitwise_count(here[:, None, 0] ^ there[None, :, 0])
            bits += np.bitwise_count(here[:, None, 1] ^ there[None, :, 1])
            i, j = np.nonzero(bits <= _BITS)
            other = group[queries.image[part[i]]] != group[base.image[columns[j]]]
            i, j = i[other], j[other]
            yield part[i].astype(np.int32), columns[j].astype(np.int32), bits[i, j]


def _by_word(words: NDArray[np.int32], size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Entries in the order of their words, and where each word begins."""
    ends = np.concatenate([[0], np.cumsum(np.bincount(words, minlength=size))])
    return np.argsort(words, kind="stable"), ends


def _fullest_bin(
    pair: NDArray[np.int64],
    turn: NDArray[np.float32],
    octave: NDArray[np.float32],
    weight: NDArray[np.float64],
    pairs: int,
) -> NDArray[np.float32]:
    """For each pair the weight in its fullest bin of turn and scale; bins lie in four grids, half a bin apart."""
    scores = np.zeros(pairs, np.float32)
    for turn_shift in (0.0, 0.5):
        turn_bin = np.floor(turn * _TURNS + turn_shift).astype(np.int64) % _TURNS
        for scale_shift in (0.0, 0.5):
            scale_bin = np.clip(np.floor(octave + scale_shift).astype(np.int64) + _SCALES // 2, 0, _SCALES - 1)
            keys, bins = np.unique((pair * _TURNS + turn_bin) * _SCALES + scale_bin, return_inverse=True)
            full = np.bincount(bins, weights=weight)
            np.maximum.at(scores, keys // (_TURNS * _SCALES), full.astype(np.float32))
    return scores
