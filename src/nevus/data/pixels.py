"""A manifest's images as pixels, in the order red, green, blue, whatever order their files hold."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nevus.data.reading import read_bytes
from nevus.errors import InputError
from nevus.imaging import DecodedImage, DecodeLimits, UnreadableImageError, decode_image

Channels = Literal["rgb", "bgr"]
"""In which order the files of a dataset hold their colours; `bgr` where whoever wrote them exchanged red and blue."""

SWAPPED: Channels = "bgr"
"""What the manifest's column `channels` says of an image whose red and blue are exchanged; null of any other."""


class ChangedImageError(InputError):
    """A file isn't the one that was checked."""


def decode_rgb(
    data: bytes,
    channels: str | None = None,
    *,
    limits: DecodeLimits,
    min_short_side: int | Callable[[int, int], int] | None = None,
) -> DecodedImage:
    """Decode a file, and put its colours into the order red, green, blue.

    Raises:
        UnreadableImageError: with the reason.
    """
    image = decode_image(data, limits=limits, min_short_side=min_short_side)
    if channels != SWAPPED:
        return image
    pixels = np.ascontiguousarray(image.pixels[:, :, ::-1])
    return DecodedImage(pixels, image.width, image.height, image.format, image.notes)


def limits_of(manifest: pl.DataFrame) -> DecodeLimits:
    """The limits under which every image that the check has accepted can be decoded again."""
    if "width" not in manifest.columns:
        return DecodeLimits()
    largest = manifest.select((pl.col("width").cast(pl.Int64) * pl.col("height")).max()).item()
    return DecodeLimits(max_pixels=max(DecodeLimits().max_pixels, largest or 0))


class ManifestPixels:
    """The pixels of a manifest's images by the number of their row."""

    def __init__(self, manifest: pl.DataFrame) -> None:
        self._rows = manifest.select("uri", "channels").rows()
        self._sha256 = manifest["sha256"].to_list() if "sha256" in manifest.columns else [None] * manifest.height
        self._limits = limits_of(manifest)

    def __call__(self, row: int) -> NDArray[np.uint8]:
        """Pixels uint8 [h,w,3].

        Raises:
            InputError: the file is missing, can't be read or can't be decoded; it is named.
        """
        uri, channels = self._rows[row]
        try:
            return decode_rgb(read_bytes(uri), channels, limits=self._limits).pixels
        except UnreadableImageError as error:
            raise UnreadableImageError(f"{uri}: {error}", error.reason) from error

    def source(self, row: int) -> bytes | NDArray[np.uint8]:
        """What a predictor takes: the file's bytes, so that it decodes them as it does in use, unless they mislead.

        Raises:
            InputError: the file is missing, can't be read, or isn't the one that the check has read; it is named.
        """
        uri, channels = self._rows[row]
        data, seen = read_bytes(uri), self._sha256[row]
        if seen is not None and hashlib.sha256(data).hexdigest() != seen:
            raise ChangedImageError(
                f"{uri}: the file has changed since the check read it. Give the same command again: the data are "
                "checked anew, and what follows from them is made anew."
            )
        return decode_rgb(data, channels, limits=self._limits).pixels if channels == SWAPPED else data
