"""Pictures on their way to the service and back."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

Image = bytes | str | os.PathLike[str]
"""The bytes of a picture's file, or the path of it."""


@dataclass(frozen=True)
class BatchImage:
    """One image of a batch, its name, and what is known of the patient. age in years."""

    name: str
    image: Image
    age: float | None = None
    sex: str | None = None
    site: str | None = None
    patient: str | None = None
    lesion: str | None = None


@dataclass(frozen=True)
class StoredImage:
    """A picture as the service keeps it: without metadata.

    orientation: as EXIF counts it, 1..8; 1 = upright.
    """

    data: bytes
    media_type: str
    orientation: int


def image_bytes(image: Image) -> bytes:
    """The bytes of the file."""
    return image if isinstance(image, bytes) else Path(image).read_bytes()


def image_name(image: Image, number: int) -> str:
    """The name of the file, without its folders; a number where there is none."""
    return f"image-{number}" if isinstance(image, bytes) else Path(image).name


def media_type(data: bytes) -> str:
    """What the bytes say they are."""
    if data[:3] == b"\xff\xd8\xff":
        return "image/jpeg"
    return "image/png" if data[:8] == b"\x89PNG\r\n\x1a\n" else "application/octet-stream"
