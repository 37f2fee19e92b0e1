"""Fitting the novelty score: lesions and their distorted copies against drawn and made-up pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

import numpy as np
import torch

from nevus.errors import InputError
from nevus.training.novelty.branch import NoveltyBranch
from nevus.training.novelty.distortion import distorted
from nevus.training.novelty.exposure import MADE, exposures
from nevus.training.novelty.head import fit_statistics
from nevus.training.novelty.parameters import Floats, NoveltyParameters
from nevus.training.novelty.proxies import KINDS
from nevus.training.novelty.proxies.canvas import Pixels
from nevus.training.novelty.settings import NoveltySettings

_BATCH = 32

Progress = Callable[[int, int], None]
"""Told how many of how many pictures are measured."""


class Pictures(Protocol):
    """Training images as the graph gets them: uint8 [H,W,3], all of one size."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Pixels: ...


class NoveltyFitError(InputError):
    """There is nothing to fit a novelty score on."""


def fit_novelty(
    branch: NoveltyBranch,
    pictures: Pictures,
    settings: NoveltySettings,
    progress: Progress = lambda _done, _total: None,
) -> NoveltyParameters:
    """Fit the score on training images; the same settings, images and branch give the same score.

    Args:
        branch: on the initial weights of the backbone.
        pictures: training images only: the limit needs others. They are read one by one, some more than once.
        settings: how many of each.
        progress: called after each picture.

    Raises:
        NoveltyFitError: there are fewer than two pictures.
    """
    if len(pictures) < 2:
        raise NoveltyFitError(f"the novelty score needs training images, and there are {len(pictures)}.")
    rng = np.random.default_rng(settings.seed)
    chosen = np.sort(rng.permutation(len(pictures))[: settings.images])
    height, width = pictures[int(chosen[0])].shape[:2]

    def take(other: np.random.Generator) -> Pixels:
        return pictures[int(other.choice(chosen))]

    def lesions() -> Iterator[Pixels]:
        for index in chosen:
            yield pictures[int(index)]
        for number in range(settings.images):
            yield distorted(pictures[int(chosen[number % len(chosen)])], rng)

    others = exposures(take, height, width, per_drawn=settings.drawn, per_made=settings.made, seed=settings.seed)
    total = len(chosen) + settings.images + len(KINDS) * settings.drawn + len(MADE) * settings.made
    inside = measured(branch, _told(lesions(), 0, total, progress))
    outside = measured(branch, _told((picture for _, picture in others), len(inside), total, progress))
    return fit_statistics(inside, outside, settings.strength)


def measured(branch: NoveltyBranch, pictures: Iterable[Pixels]) -> Floats:
    """Statistics [n,F] of pictures of one size, in batches; the pictures may come one by one."""
    rows: list[Floats] = []
    batch: list[Pixels] = []

    def flush() -> None:
        if batch:
            with torch.inference_mode():
                pixels = torch.from_numpy(np.stack(batch)).permute(0, 3, 1, 2)
                rows.append(branch(pixels).double().numpy())
            batch.clear()

    for picture in pictures:
        batch.append(picture)
        if len(batch) == _BATCH:
            flush()
    flush()
    return np.concatenate(rows)


def _told(pictures: Iterable[Pixels], done: int, total: int, progress: Progress) -> Iterator[Pixels]:
    for number, picture in enumerate(pictures, done + 1):
        yield picture
        progress(number, total)
