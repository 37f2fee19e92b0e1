"""Images on their way into the network: augmented for training, framed as in serving for validation."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from nevus.imaging import frame
from nevus.training.augmentation import Augmentation, Seeded
from nevus.training.sampling import Draw
from nevus.training.settings import AugmentationSettings, ModelSettings

ReadPixels = Callable[[str], NDArray[np.uint8]]
"""Image id -> RGB uint8 [h,w,3]."""


@dataclass(frozen=True)
class Examples:
    """The images of one part of the split.

    Attributes:
        image_ids: n names.
        labels: int64 [n], index into the classes.
        groups: n group names.
        metadata: float32 [n,M], encoded; M may be 0.
        unknown: float32 [M], the encoding of metadata of which nothing is known.
    """

    image_ids: tuple[str, ...]
    labels: NDArray[np.int64]
    groups: tuple[str, ...]
    metadata: NDArray[np.float32]
    unknown: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.image_ids)


class TrainingImages(Dataset[tuple[Tensor, Tensor, int]]):
    """Random views of images; the randomness depends on the seed, the epoch, the image and its place, nothing else."""

    def __init__(
        self,
        examples: Examples,
        read: ReadPixels,
        model: ModelSettings,
        augmentation: AugmentationSettings,
        *,
        seed: int,
        scale_at: Callable[[int], float],
    ) -> None:
        self._examples, self._read, self._model = examples, read, model
        self._settings, self._seed, self._scale_at = augmentation, seed, scale_at
        self._augmentations: dict[float, Augmentation] = {}

    def __len__(self) -> int:
        return len(self._examples)

    def __getitem__(self, draw: Draw) -> tuple[Tensor, Tensor, int]:
        """Draw -> (uint8 [3,height,width], metadata float32 [M], label)."""
        examples = self._examples
        image_id = examples.image_ids[draw.row]
        read = self._read(image_id)
        pixels = torch.from_numpy(read if read.flags.writeable else read.copy()).permute(2, 0, 1)
        with Seeded(_seed(self._seed, draw, image_id)):
            image = self._augmentation(self._scale_at(draw.epoch))(pixels)
            hidden = float(torch.rand(())) < self._model.metadata_dropout
        metadata = examples.unknown if hidden else examples.metadata[draw.row]
        return image, torch.from_numpy(np.array(metadata)), int(examples.labels[draw.row])

    def _augmentation(self, scale: float) -> Augmentation:
        if scale not in self._augmentations:
            height, width = (max(round(side * scale / 8) * 8, 16) for side in (self._model.height, self._model.width))
            if scale == 1.0:
                height, width = self._model.height, self._model.width
            self._augmentations[scale] = Augmentation(self._settings, height, width)
        return self._augmentations[scale]


class FramedImages(Dataset[tuple[Tensor, Tensor, int]]):
    """Images as the bundle will see them, in the examples' order."""

    def __init__(self, examples: Examples, read: ReadPixels, model: ModelSettings) -> None:
        self._examples, self._read, self._model = examples, read, model

    def __len__(self) -> int:
        return len(self._examples)

    def __getitem__(self, row: int) -> tuple[Tensor, Tensor, int]:
        """Row -> (uint8 [3,height,width], metadata float32 [M], row)."""
        model = self._model
        pixels = frame(self._read(self._examples.image_ids[row]), model.height, model.width, model.rule)
        image = torch.from_numpy(np.array(pixels)).permute(2, 0, 1)
        return image, torch.from_numpy(np.array(self._examples.metadata[row])), row


def _seed(seed: int, draw: Draw, image_id: str) -> int:
    key = f"{seed}:{draw.epoch}:{draw.place}:{image_id}".encode()
    return int.from_bytes(hashlib.blake2b(key, digest_size=7).digest(), "big")
