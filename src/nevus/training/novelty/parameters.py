"""What a fitted novelty score consists of, beside its branch."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from nevus.errors import InputError

CLIP = 8.0
"""Statistics are cut at so many spreads from the mean of lesions, so that one of them can't decide alone."""


class NoveltyParametersError(InputError):
    """The file holds no parameters of a novelty score."""


@dataclass(frozen=True)
class NoveltyParameters:
    """score = weight . [z, |z|] + bias, with z = clip((statistics - centre) / scale, -8, 8).

    Attributes:
        centre: float64 [F], mean of the statistics over lesions.
        scale: float64 [F], their spread.
        weight: float64 [2F].
        bias: float64 [1].
    """

    centre: NDArray[np.float64]
    scale: NDArray[np.float64]
    weight: NDArray[np.float64]
    bias: NDArray[np.float64]

    def features(self, statistics: NDArray[np.floating]) -> NDArray[np.float64]:
        """Statistics [N,F] -> [N,2F]: how far from lesions' mean, with and without the direction."""
        z = np.clip((statistics.astype(np.float64) - self.centre) / self.scale, -CLIP, CLIP)
        return np.concatenate([z, np.abs(z)], 1)

    def score(self, statistics: NDArray[np.floating]) -> NDArray[np.float64]:
        """Statistics [N,F] -> log-odds [N] that this is another picture, at equal shares of both; higher = stranger."""
        return self.features(statistics) @ self.weight + self.bias[0]

    def save(self, path: Path) -> None:
        """Write as safetensors, whole or not at all."""
        part = path.with_name(path.name + ".part")
        save_file({name: np.ascontiguousarray(array) for name, array in asdict(self).items()}, part)
        os.replace(part, path)

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
