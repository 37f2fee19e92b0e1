"""From a row of the cohort to the file of its picture."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from nevus.data.synthetic.camera import CLINICS, photograph
from nevus.data.synthetic.lesions import RECIPES
from nevus.data.synthetic.randomness import generator
from nevus.data.synthetic.settings import SyntheticSettings

_CLINICS = {clinic.name: clinic for clinic in CLINICS}


@dataclass(frozen=True)
class Sitter:
    """A lesion to be painted, with the images that are wanted of it."""

    lesion_id: str
    look: str
    clarity: float
    tone: float
    clinic: str
    image_ids: tuple[str, ...]


def paint(sitter: Sitter, settings: SyntheticSettings) -> Iterable[tuple[str, NDArray[np.uint8]]]:
    """The wanted images of a lesion, as (image id, uint8 [height, width, 3])."""
    size = round(1.1 * settings.height)
    recipe = RECIPES[sitter.look]
    pigment = recipe(generator(settings.seed, "lesion", sitter.lesion_id), size, sitter.clarity)
    for image_id in sitter.image_ids:
        yield (
            image_id,
            photograph(
                generator(settings.seed, "image", image_id),
                pigment,
                width=settings.width,
                height=settings.height,
                tone=sitter.tone,
                clinic=_CLINICS[sitter.clinic],
            ),
        )


def encode(pixels: NDArray[np.uint8], quality: int) -> bytes:
    """As JPEG."""
    return bytes(simplejpeg.encode_jpeg(pixels, quality=quality, colorspace="RGB", colorsubsampling="420"))
