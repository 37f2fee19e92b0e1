"""Fitting the novelty score: lesions and their distorted copies against drawn and made-up pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from nevus.errors import InputError
from nevus.training.novelty.branch import NoveltyBranch
from nevus.training.novelty.distortion import distorted
from nevus.training.novelty.exposure import MADE, exposures
from nevus.training.novelty.parameters import NoveltyParameters
from nevus.training.novelty.proxies import KINDS
from nevus.training.novelty.proxies.canvas import Pixels
from nevus.training.novelty.settings import NoveltySettings

_BATCH = 32


class Pictures(Protocol):
    """Training images as the graph gets them: uint8 [H,W,3], all of one size."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Pixels: ...


class NoveltyFitError(InputError):
    """There is nothing to fit a novelty score on."""


def measured(branch: NoveltyBranch, pictures: Iterable[Pixels]) -> NDArray[np.float64]:
    """Statistics [n,F] of pictures of one size, in batches; the pictures may come one by one."""
    rows: list[NDArray[np.float64]] = []
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


def fit_novelty(
    branch: NoveltyBranch,
    pictures: Pictures,
    settings: NoveltySettings,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> NoveltyParameters:
    """Fit the score on training images; the same settings, images and branch give the same score.

    Args:
        branch: on the initial weights of the backbone.
        pictures: training images only: the limit needs others.
        settings: how many of each.
        progress: told how many of how many pictures are measured.

    Raises:
        NoveltyFitError: there are no pictures.
    """
    if not len(pictures):
        raise NoveltyFitError("the novelty score needs training images, and there are none.")
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

    others = exposures(take, settings.drawn, settings.made, settings.seed, height, width)
    total = len(chosen) + settings.images + len(KINDS) * settings.drawn + len(MADE) * settings.made
    inside = measured(branch, _told(lesions(), 0, total, progress))
    outside = measured(branch, _told((picture for _, picture in others), len(inside), total, progress))
    return fit_statistics(inside, outside, settings.strength)


def _told(
    pictures: Iterable[Pixels], done: int, total: int, progress: Callable[[int, int], None]
) -> Iterator[Pixels]:
    for number, picture in enumerate(pictures, done + 1):
        yield picture
        progress(number, total)


def fit_statistics(
    inside: NDArray[np.float64], outside: NDArray[np.float64], strength: float = 0.03
) -> NoveltyParameters:
    """Ridge logistic regression on [z, |z|], both sides of equal weight.

    The distance terms |z| are what lets a linear rule refuse what lies off on a side that no drawing shows.
    Minimises |w|^2 / 2 + strength * sum_i c_i log(1 + exp(-y_i (w.x_i + b))), c_i = n / (2 n_side), as scikit-learn's
    `LogisticRegression(C=strength, class_weight="balanced")` does.

    Args:
        inside: statistics [n,F] of lesions.
        outside: statistics [m,F] of other pictures.
        strength: inverse weight of the penalty.
    """
    spread = inside.std(0)
    scale = np.maximum(spread, 1e-3 * spread.mean() + 1e-9)
    width = inside.shape[1]
    start = NoveltyParameters(inside.mean(0), scale, np.zeros(2 * width), np.zeros(1))
    x = torch.from_numpy(start.features(np.concatenate([inside, outside])))
    y = torch.cat([-torch.ones(len(inside)), torch.ones(len(outside))]).double()
    share = torch.where(y < 0, len(y) / (2 * len(inside)), len(y) / (2 * len(outside)))
    weight = torch.zeros(x.shape[1] + 1, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([weight], max_iter=500, tolerance_grad=1e-6, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        margin = y * (x @ weight[:-1] + weight[-1])
        value = weight[:-1].square().sum() / 2 + strength * (share * torch.nn.functional.softplus(-margin)).sum()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimiser.step(loss)  # type: ignore[no-untyped-call]
    found = weight.detach().numpy()
    return NoveltyParameters(start.centre, start.scale, found[:-1].copy(), found[-1:].copy())
