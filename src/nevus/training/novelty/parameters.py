"""What a fitted novelty score consists of, beside its branch."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from nevus.errors import InputError

CLIP = 8.0
"""In the linear term, statistics are cut at so many spreads from lesions' mean, so that one can't decide alone."""

LEAST = 1e-12
"""A squared distance counts as at least this, so that it has a logarithm."""

Floats = NDArray[np.float64]


class NoveltyParametersError(InputError):
    """The file holds no parameters of a novelty score."""


@dataclass(frozen=True)
class NoveltyParameters:
    """score = weight . [c, |c|] + distance * log(|whitening z|^2) + bias.

    z = (statistics - centre) / scale, c = z cut at 8.

    Attributes:
        centre: float64 [F], mean of the statistics over lesions.
        scale: float64 [F], their spread.
        weight: float64 [2F].
        whitening: float64 [F,F], rows are directions in which lesions have unit spread.
        distance: float64 [1], weight of the log of the squared Mahalanobis distance.
        bias: float64 [1].
    """

    centre: Floats
    scale: Floats
    weight: Floats
    whitening: Floats
    distance: Floats
    bias: Floats

    def score(self, statistics: NDArray[np.floating]) -> Floats:
        """Statistics [N,F] to scores [N], in spreads of lesions' own scores above their mean; higher = stranger."""
        z = (statistics.astype(np.float64) - self.centre) / self.scale
        away = log_squared_distance(z, self.whitening)
        linear = signed_and_absolute(z) @ self.weight
        return np.asarray(linear + self.distance[0] * away + self.bias[0])

    def save(self, path: Path) -> None:
        """Write as safetensors, whole or not at all."""
        part = path.with_name(path.name + ".part")
        save_file({name: np.ascontiguousarray(array) for name, array in asdict(self).items()}, part)
        part.replace(path)

    @classmethod
    def load(cls, path: Path) -> NoveltyParameters:
        """Read what `save` wrote.

        Raises:
            NoveltyParametersError: no such file, or another kind of file.
        """
        try:
            return cls(**load_file(path))
        except (OSError, SafetensorError, TypeError) as error:
            raise NoveltyParametersError(f"{path} holds no parameters of a novelty score: {error}") from error


def log_squared_distance(z: Floats, whitening: Floats) -> Floats:
    """Standardised statistics [N,F] to the logs [N] of their squared Mahalanobis distances from lesions."""
    return np.asarray(np.log(np.maximum(np.square(z @ whitening.T).sum(1), LEAST)))


def signed_and_absolute(z: Floats) -> Floats:
    """Standardised statistics [N,F] to [N,2F], cut: how far from lesions' mean, with and without the direction."""
    cut = np.clip(z, -CLIP, CLIP)
    return np.concatenate([cut, np.abs(cut)], 1)
