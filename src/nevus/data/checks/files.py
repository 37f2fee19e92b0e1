"""What one image file is: read once, hashed, decoded and measured."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nevus.data.checks.reasons import Reason
from nevus.data.parallel import windowed_map
from nevus.data.pixels import decode_rgb
from nevus.data.reading import MissingImageError, UnreachableImageError, read_bytes, split_container
from nevus.data.settings import CheckSettings
from nevus.errors import InputError
from nevus.imaging import DecodeLimits, UnreadableImageError, measure_quality, resize_short_side

MEASURED_SHORT_SIDE = 224
"""Pixels; quality is measured at one size, so that neither the camera's resolution nor the file's decides."""

_ENDINGS = {
    "jpeg": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "png": (".png",),
    "gif": (".gif",),
    "bmp": (".bmp", ".dib"),
    "tiff": (".tif", ".tiff"),
    "webp": (".webp",),
}


@dataclass(frozen=True)
class FileFacts:
    """What reading a file told; None where it didn't come so far.

    `pixel_sha256` is over the upright RGB pixels and their shape, so it is equal for a file and its lossless copy in
    another format. `red_over_blue` is the mean of red less that of blue, of 1. `notes` are what decoding changed
    (`first_frame_of_animation`, ...).
    """

    uri: str
    fault: Reason | None = None
    detail: str | None = None
    sha256: str | None = None
    pixel_sha256: str | None = None
    bytes: int | None = None
    format: str | None = None
    wrong_ending: bool = False
    notes: str | None = None
    width: int | None = None
    height: int | None = None
    sharpness: float | None = None
    contrast: float | None = None
    brightness: float | None = None
    over_exposed: float | None = None
    red_over_blue: float | None = None


FACTS_SCHEMA: dict[str, pl.DataType] = {
    "uri": pl.String(),
    "fault": pl.String(),
    "detail": pl.String(),
    "sha256": pl.String(),
    "pixel_sha256": pl.String(),
    "bytes": pl.Int64(),
    "format": pl.String(),
    "wrong_ending": pl.Boolean(),
    "notes": pl.String(),
    "width": pl.Int32(),
    "height": pl.Int32(),
    "sharpness": pl.Float64(),
    "contrast": pl.Float64(),
    "brightness": pl.Float64(),
    "over_exposed": pl.Float64(),
    "red_over_blue": pl.Float64(),
}

Progress = Callable[[int, int], None]


def read_files(
    files: Sequence[tuple[str, str | None]],
    settings: CheckSettings,
    *,
    workers: int,
    progress: Progress | None = None,
) -> pl.DataFrame:
    """Read every file once, on `workers` threads; memory holds the facts of all and the pixels of a few.

    Args:
        files: addresses, each with the manifest's `channels`.
        settings: what is rejected.
        workers: threads.
        progress: told files done and of all, in this thread.

    Returns:
        One row a file, in their order, with the columns of `FACTS_SCHEMA`.
    """
    names = [field.name for field in fields(FileFacts)]
    columns: dict[str, list[object]] = {name: [] for name in names}
    for done, facts in enumerate(
        windowed_map(lambda file: read_file(*file, settings), files, workers=workers), start=1
    ):
        for name in names:
            columns[name].append(getattr(facts, name))
        if progress:
            progress(done, len(files))
    return pl.DataFrame(columns, schema=FACTS_SCHEMA)


def read_file(uri: str, channels: str | None, settings: CheckSettings) -> FileFacts:
    """Read, hash, decode and measure one file; what is wrong with it is part of the answer, not an error."""
    try:
        data = read_bytes(uri)
    except MissingImageError as error:
        return FileFacts(uri, "missing", str(error))
    except UnreachableImageError as error:
        return FileFacts(uri, "unreachable", str(error))
    digest = hashlib.sha256(data).hexdigest()
    try:
        image = decode_rgb(data, channels, limits=DecodeLimits(max_pixels=settings.max_pixels))
    except UnreadableImageError as error:
        return FileFacts(uri, error.reason, f"{uri}: {error}", sha256=digest, bytes=len(data))
    except InputError as error:
        return FileFacts(uri, "not_an_image", f"{uri}: {error}", sha256=digest, bytes=len(data))
    pixels = hashlib.sha256(f"{image.width}x{image.height}:".encode())
    pixels.update(image.pixels.tobytes())
    facts = FileFacts(
        uri,
        sha256=digest,
        pixel_sha256=pixels.hexdigest(),
        bytes=len(data),
        format=image.format,
        wrong_ending=_wrong_ending(uri, image.format),
        notes=" ".join(image.notes) or None,
        width=image.width,
        height=image.height,
    )
    if min(image.width, image.height) < settings.min_short_side:
        detail = (
            f"{uri}: the image has {image.width} x {image.height} pixels; its shorter side must have at least "
            f"{settings.min_short_side}."
        )
        return replace(facts, fault="too_small", detail=detail)
    return _measured(facts, image.pixels, settings)


def _measured(facts: FileFacts, pixels: NDArray[np.uint8], settings: CheckSettings) -> FileFacts:
    small = resize_short_side(pixels, MEASURED_SHORT_SIDE)
    quality = measure_quality(small)
    red, _, blue = small.mean((0, 1)) / 255
    facts = replace(
        facts,
        sharpness=quality.sharpness,
        contrast=quality.contrast,
        brightness=quality.brightness,
        over_exposed=quality.over_exposed,
        red_over_blue=float(red - blue),
    )
    if quality.contrast < settings.min_contrast:
        detail = f"{facts.uri}: the image is of one colour (contrast {quality.contrast:.4f})."
        return replace(facts, fault="blank", detail=detail)
    if settings.reject_blurred and quality.sharpness < settings.min_sharpness:
        detail = f"{facts.uri}: the image is blurred (sharpness {quality.sharpness:.2f})."
        return replace(facts, fault="blurred", detail=detail)
    return facts


def _wrong_ending(uri: str, kind: str) -> bool:
    container, key = split_container(uri)
    if key is not None:
        return False
    ending = os.path.splitext(container)[1].lower()  # noqa: PTH122 (also an s3 address)
    return kind in _ENDINGS and ending not in _ENDINGS[kind]
