"""Augmentation: a random crop to the network's frame and the transforms declared in the settings."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torchvision.transforms import v2

from nevus.errors import InputError
from nevus.training.settings import AugmentationSettings, Transform


class AugmentationError(InputError):
    """An augmentation in the settings doesn't exist or refuses its options."""


class Augmentation:
    """uint8 [3,h,w] of any size to uint8 [3,height,width], at random by torch's global generator.

    The crop's aspect ratio is the frame's, changed by at most `crop_stretch`, so that lesions keep their shape.

    Raises:
        AugmentationError: an unknown transform or wrong options.
    """

    def __init__(self, settings: AugmentationSettings, height: int, width: int) -> None:
        stretch = settings.crop_stretch
        ratio = width / height
        crop = v2.RandomResizedCrop(
            (height, width), settings.crop_scale, (ratio / stretch, ratio * stretch), antialias=True
        )
        self._pipeline = v2.Compose([crop, *(_declared(t) for t in settings.transforms)])

    def __call__(self, image: Tensor) -> Tensor:
        """One randomly changed image."""
        out: Tensor = self._pipeline(image)
        return out


class Seeded:
    """A block in which torch's global generator starts from a seed; afterwards it goes on as before."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def __enter__(self) -> None:
        self._state = torch.get_rng_state()
        torch.default_generator.manual_seed(self._seed)  # torch.manual_seed asks every kind of device, for 0.1 ms

    def __exit__(self, *_: object) -> None:
        torch.set_rng_state(self._state)


def _declared(transform: Transform) -> Any:
    known = getattr(v2, transform.name, None)
    if known is None or not isinstance(known, type) or not issubclass(known, v2.Transform):
        raise AugmentationError(
            f"torchvision.transforms.v2 has no transform {transform.name!r} (training.augmentation.transforms)."
        )
    try:
        made = known(**transform.options)
    except (TypeError, ValueError) as error:
        raise AugmentationError(
            f"{transform.name} refuses its options (training.augmentation.transforms): {error}"
        ) from error
    return made if math.isclose(transform.probability, 1.0) else v2.RandomApply([made], p=transform.probability)
