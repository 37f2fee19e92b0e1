"""What is wrong with a labelled image: the checks of `nevus data check`, for one upload and without its tables.

The reasons have the same names; the limits are the defaults of `data.check`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from nevus.imaging import DecodeLimits, UnreadableImageError, decode_image, measure_quality, resize_short_side
from nevus.store.label import RANKS
from nevus.taxonomy import DIAGNOSES, OLDEST, SEXES, SITES

MIN_SHORT_SIDE = 64
MIN_CONTRAST = 0.01
MIN_SHARPNESS = 3.5
MEASURED_SHORT_SIDE = 224
_ENDINGS = {
    "jpg": "jpeg",
    "jpeg": "jpeg",
    "jpe": "jpeg",
    "jfif": "jpeg",
    "png": "png",
    "gif": "gif",
    "bmp": "bmp",
    "dib": "bmp",
    "tif": "tiff",
    "tiff": "tiff",
    "webp": "webp",
}


class UnfitError(Exception):
    """An image or its line isn't taken; `reason` is short and stable, the message is for people."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True)
class Facts:
    """Of an image that is taken."""

    width: int
    height: int
    warnings: tuple[str, ...]


def check_image(name: str, data: bytes, limits: DecodeLimits) -> Facts:
    """Decode and measure.

    Raises:
        UnfitError: unreadable, too small or blank.
    """
    try:
        image = decode_image(data, limits=limits)
    except UnreadableImageError as error:
        raise UnfitError(error.reason, str(error)) from error
    if min(image.width, image.height) < MIN_SHORT_SIDE:
        raise UnfitError(
            "too_small",
            f"the image has {image.width} x {image.height} pixels; its shorter side must have at least "
            f"{MIN_SHORT_SIDE}.",
        )
    quality = measure_quality(resize_short_side(image.pixels, MEASURED_SHORT_SIDE))
    if quality.contrast < MIN_CONTRAST:
        raise UnfitError("blank", f"the image is of one colour (contrast {quality.contrast:.4f}).")
    warnings = [note.replace("_", " ") for note in image.notes]
    if quality.sharpness < MIN_SHARPNESS:
        warnings.append(f"blurred (sharpness {quality.sharpness:.2f})")
    ending = name.rpartition(".")[2].lower()
    if ending not in _ENDINGS or _ENDINGS[ending] != image.format:
        warnings.append(f"wrong ending: the file is {image.format}")
    return Facts(image.width, image.height, tuple(warnings))


def read_diagnosis(text: str) -> str:
    """The code of a diagnosis, given as its code or its name.

    Raises:
        UnfitError: neither.
    """
    wanted = text.strip().lower()
    for code, diagnosis in DIAGNOSES.items():
        if wanted in (code, diagnosis.name.lower()):
            return code
    raise UnfitError("label_unmapped", f"the label {text[:40]!r} is none of {', '.join(DIAGNOSES)}.")


def read_age(text: str | None) -> float | None:
    """Years.

    Raises:
        UnfitError: no number, or no age.
    """
    if text is None:
        return None
    try:
        age = float(text.replace(",", "."))
    except ValueError:
        age = math.nan
    if not 0 <= age <= OLDEST:
        raise UnfitError("age_impossible", f"an age of {text[:20]!r} is not possible; leave it empty where unknown.")
    return age


def word_warnings(values: Mapping[str, str]) -> tuple[str, ...]:
    """Words for sex, site and confirmation that nobody knows; they stay as they are."""
    confirmations = tuple(way for way in RANKS if way)
    known: dict[str, tuple[str, ...]] = {"sex": SEXES, "site": SITES, "confirmed_by": confirmations}
    return tuple(
        f"{column} {values[column][:40]!r} is no word of the vocabulary"
        for column, words in known.items()
        if column in values and values[column] not in words
    )
