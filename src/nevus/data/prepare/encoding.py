"""From an image's file to its row in a shard."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from nevus.data.pixels import decode_rgb
from nevus.data.prepare.index import PreparedError
from nevus.data.prepare.settings import PrepareSettings
from nevus.data.prepare.shards import PreparedImage
from nevus.data.reading import read_bytes
from nevus.errors import InputError
from nevus.imaging import DecodeLimits, resize_short_side

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class SourceImage:
    """What of the manifest's row decides the prepared image.

    `sha256` is of the file's bytes, None if not known; `channels` as in the manifest.
    """

    image_id: str
    uri: str
    sha256: str | None
    channels: str | None = None


def prepare_image(source: SourceImage, settings: PrepareSettings, limits: DecodeLimits) -> PreparedImage:
    """Read, decode, resize and encode one image.

    Raises:
        PreparedError: its file changed since it was checked, is missing, or can't be decoded.
    """
    data = read_source(source)
    try:
        pixels = to_short_side(data, settings.short_side, limits, source.channels)
    except InputError as error:
        raise PreparedError(
            f"{source.uri} (image {source.image_id}): {error} Such files are found and rejected by `nevus step check`."
        ) from error
    return encode(source.image_id, pixels, settings)


def read_source(source: SourceImage) -> bytes:
    """The image's file, compared with the manifest's hash where there is one.

    Raises:
        PreparedError: the file changed since it was checked, or can't be read.
    """
    try:
        data = read_bytes(source.uri)
    except InputError as error:
        raise PreparedError(
            f"image {source.image_id}: {error} Bring it back, or run `nevus step check` again, which rejects it."
        ) from error
    if source.sha256 is not None and hashlib.sha256(data).hexdigest() != source.sha256:
        raise PreparedError(
            f"{source.uri} (image {source.image_id}) is not the file that was checked: its SHA-256 differs from the "
            "manifest's. Restore it, or run `nevus step check` again."
        )
    return data


def to_short_side(data: bytes, short_side: int, limits: DecodeLimits, channels: str | None = None) -> Pixels:
    """The image, upright, uint8 [H, W, 3], its shorter side `short_side` pixels, or as many as it has if fewer.

    Raises:
        UnreadableImageError: the bytes are not a usable image.
    """
    pixels = decode_rgb(data, channels, limits=limits, min_short_side=short_side).pixels
    return resize_short_side(pixels, short_side) if min(pixels.shape[:2]) > short_side else pixels


def encode(image_id: str, pixels: Pixels, settings: PrepareSettings) -> PreparedImage:
    """The row of an image, as JPEG without chroma subsampling or as plain pixels."""
    height, width = pixels.shape[:2]
    pixels = np.ascontiguousarray(pixels)
    if settings.encoding == "raw":
        return PreparedImage(image_id, width, height, "raw", pixels.tobytes())
    data = simplejpeg.encode_jpeg(pixels, quality=settings.quality, colorspace="RGB", colorsubsampling="444")
    return PreparedImage(image_id, width, height, "jpeg", data)
