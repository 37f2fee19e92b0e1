"""From a file's bytes to upright RGB pixels: the only decoder, in training and in serving."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from nevus.errors import InputError
from nevus.imaging.modes import to_rgb
from nevus.imaging.orientation import exif_orientation, turn_upright

Pixels = NDArray[np.uint8]
"""uint8 [height, width, 3], RGB."""

Unreadable = Literal["truncated", "not_an_image", "too_many_pixels", "unsupported", "empty", "missing"]
Note = Literal[
    "first_frame_of_animation",
    "alpha_removed",
    "converted_from_cmyk",
    "converted_from_16_bit",
    "rotated_by_exif",
    "recovered_from_damage",
]

_FORMATS = ("PNG", "GIF", "BMP", "TIFF", "WEBP", "AVIF", "JPEG", "JPEG2000", "PPM")
"""What Pillow may try: parsers that start other programs (EPS) or fit no photograph stay out."""

_FOREIGN = {
    b"%PDF": "a PDF document",
    b"<svg": "an SVG drawing",
    b"8BPS": "a Photoshop file",
}
_KNOWN_HEADS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8", b"RIFF", b"II*\x00", b"MM\x00*")


class UnreadableImageError(InputError):
    """The bytes are not an image that can be used; `reason` is one of a closed list."""

    def __init__(self, message: str, reason: Unreadable) -> None:
        super().__init__(message)
        self.reason: Unreadable = reason

    def __reduce__(self) -> tuple[type[UnreadableImageError], tuple[str, Unreadable]]:
        return type(self), (str(self), self.reason)


@dataclass(frozen=True)
class DecodeLimits:
    """What is refused before a single pixel is decoded."""

    max_pixels: int = 64_000_000


@dataclass(frozen=True)
class DecodedImage:
    """Upright RGB pixels, with the size the file had and what was changed on the way.

    `width` and `height` are those of the full image after EXIF orientation; `pixels` may be smaller where the caller
    asked for no more than a minimal short side.
    """

    pixels: Pixels
    width: int
    height: int
    format: str
    notes: tuple[Note, ...] = ()


_DEFAULT_LIMITS = DecodeLimits()


def decode_image(
    data: bytes,
    *,
    limits: DecodeLimits = _DEFAULT_LIMITS,
    min_short_side: int | Callable[[int, int], int] | None = None,
) -> DecodedImage:
    """Decode an image file, whatever its name says.

    Args:
        data: the file's bytes.
        limits: what is refused by its header.
        min_short_side: a JPEG may be decoded at 1/2, 1/4 or 1/8 of its size (within the inverse DCT, much cheaper) as
            long as the shorter side keeps this many pixels; a function of the upright (width, height) computes it.
            None decodes in full. Other formats are always decoded in full.

    Raises:
        UnreadableImageError: with the reason.
    """
    if not data:
        raise UnreadableImageError("the file is empty (0 bytes).", "empty")
    if data[:3] == b"\xff\xd8\xff":
        return _decode_jpeg(data, limits, min_short_side)
    return _decode_other(data, limits)


def pixels_in_full(data: bytes) -> int:
    """Pixels that an image file other than a JPEG has by its header, all of which must be decoded.

    0 for a JPEG, which is decoded in parts and at a reduced size, and for what can't be opened.
    """
    if data[:3] == b"\xff\xd8\xff":
        return 0
    try:
        with Image.open(io.BytesIO(data), formats=_openable()) as image:
            return image.width * image.height
    except Exception:  # decoding will tell what is wrong with it
        return 0


def read_image(
    path: str | Path,
    *,
    limits: DecodeLimits = _DEFAULT_LIMITS,
    min_short_side: int | Callable[[int, int], int] | None = None,
) -> DecodedImage:
    """Read and decode an image file; the path stands at the head of an error's message.

    Raises:
        UnreadableImageError: with the reason; `missing` also where the path is a folder or may not be read.
    """
    try:
        data = Path(path).read_bytes()
    except FileNotFoundError:
        raise UnreadableImageError(f"{path}: there is no such file.", "missing") from None
    except OSError as error:
        raise UnreadableImageError(f"{path}: can't be read ({error.strerror or error}).", "missing") from error
    try:
        return decode_image(data, limits=limits, min_short_side=min_short_side)
    except UnreadableImageError as error:
        raise UnreadableImageError(f"{path}: {error}", error.reason) from error


def _decode_jpeg(
    data: bytes, limits: DecodeLimits, min_short_side: int | Callable[[int, int], int] | None
) -> DecodedImage:
    try:
        height, width, colours, _ = simplejpeg.decode_jpeg_header(data)
    except (ValueError, KeyError):
        # a rare kind (arithmetic coding, 12 bits), or a header that is damaged or cut off: Pillow tells which
        return _decode_other(data, limits)
    _check_size(width, height, limits)
    if colours in ("CMYK", "YCCK"):
        return _decode_other(data, limits)
    orientation = exif_orientation(data)
    if orientation >= 5:
        width, height = height, width
    factor = _dct_factor(width, height, min_short_side)
    # A bound that this factor meets and a stronger one misses; none for a decoding in full.
    side = min(width, height) // factor if factor > 1 else 0
    try:
        pixels = simplejpeg.decode_jpeg(data, "RGB", min_height=side, min_width=side, min_factor=factor)
    except (ValueError, KeyError) as error:
        if "premature end" in str(error).lower():
            raise UnreadableImageError("the JPEG is truncated: its data end too early.", "truncated") from error
        decoded = _decode_other(data, limits)
        return DecodedImage(
            decoded.pixels, decoded.width, decoded.height, "jpeg", (*decoded.notes, "recovered_from_damage")
        )
    if orientation == 1:
        return DecodedImage(pixels, width, height, "jpeg")
    return DecodedImage(turn_upright(pixels, orientation), width, height, "jpeg", ("rotated_by_exif",))


def _dct_factor(width: int, height: int, min_short_side: int | Callable[[int, int], int] | None) -> int:
    """The largest of 1, 2, 4, 8 that keeps the short side. Only these scale cheaply, and all images scale alike."""
    if min_short_side is None:
        return 1
    needed = min_short_side(width, height) if callable(min_short_side) else min_short_side
    return next((f for f in (8, 4, 2) if min(width, height) // f >= needed), 1)


def _decode_other(data: bytes, limits: DecodeLimits) -> DecodedImage:
    try:
        image = Image.open(io.BytesIO(data), formats=_openable())
    except Image.DecompressionBombError as error:
        raise UnreadableImageError(_too_many_for_pillow(limits), "too_many_pixels") from error
    except UnidentifiedImageError as error:
        raise _unidentified(data) from error
    except Exception as error:  # Pillow's parsers raise struct.error, SyntaxError, ValueError, ... on damaged headers
        raise UnreadableImageError(f"the file's header is damaged ({error}).", "truncated") from error
    with image:
        _check_size(*image.size, limits)
        name = (image.format or "unknown").lower()
        notes: list[Note] = []
        before = _orientation(image)
        try:
            image.load()
            if _frames(image) > 1:
                image.seek(0)
                notes.append("first_frame_of_animation")
            pixels, changes = to_rgb(image, data)
        except UnreadableImageError:
            raise
        except Exception as error:  # as above: on damaged data
            raise UnreadableImageError(f"the {name} data are truncated or damaged ({error}).", "truncated") from error
        if pixels is None:
            raise UnreadableImageError(
                f"pixels of the kind {image.mode!r} in a {name} file are not supported; save it as 8-bit RGB.",
                "unsupported",
            )
        notes += changes
        orientation = _orientation(image)  # Pillow turns some formats itself while loading
        if before != 1:
            notes.append("rotated_by_exif")
    pixels = turn_upright(pixels, orientation)
    return DecodedImage(pixels, pixels.shape[1], pixels.shape[0], "jpeg" if name == "mpo" else name, tuple(notes))


@lru_cache(maxsize=1)
def _openable() -> tuple[str, ...]:
    """Of the formats those that this build of Pillow can open."""
    Image.init()
    return tuple(name for name in _FORMATS if name in Image.OPEN)


def _orientation(image: Image.Image) -> int:
    try:
        value = int(image.getexif().get(0x0112, 1))
    except Exception:  # damaged EXIF data say nothing about the orientation
        return 1
    return value if 1 <= value <= 8 else 1


def _frames(image: Image.Image) -> int:
    try:
        return 1 if image.format == "MPO" else int(getattr(image, "n_frames", 1))
    except Exception:  # a later frame is damaged; the first one is what counts
        return 1


def _check_size(width: int, height: int, limits: DecodeLimits) -> None:
    if width * height > limits.max_pixels:
        raise UnreadableImageError(
            f"the image has {width} x {height} = {width * height / 1e6:.0f} million pixels, more than the "
            f"{limits.max_pixels / 1e6:.0f} million that are allowed.",
            "too_many_pixels",
        )


def _too_many_for_pillow(limits: DecodeLimits) -> str:
    """Pillow's own limit belongs to the whole process and guards others' images too, so it is named and not lifted."""
    ceiling = 2 * (Image.MAX_IMAGE_PIXELS or 0)
    if limits.max_pixels <= ceiling:
        return f"the image has far more pixels than the {limits.max_pixels / 1e6:.0f} million that are allowed."
    return (
        f"the image has more than {ceiling / 1e6:.0f} million pixels, the most that Pillow opens; only a JPEG may have "
        f"the {limits.max_pixels / 1e6:.0f} million that are allowed. Save it smaller, or as a JPEG."
    )


def _unidentified(data: bytes) -> UnreadableImageError:
    head = data[:64].lstrip()
    foreign = next((what for start, what in _FOREIGN.items() if head.startswith(start)), None)
    if data[4:8] == b"ftyp":
        foreign = "a HEIC photo or a video"
    elif data[128:132] == b"DICM":
        foreign = "a DICOM file"
    if foreign:
        return UnreadableImageError(
            f"this is {foreign}, which is not supported; export the picture as JPEG or PNG.", "unsupported"
        )
    if (
        data[:8] == b"\x89PNG\r\n\x1a\n"
        or data[:4] in (b"GIF8", b"RIFF", b"II*\0", b"MM\0*")
        or data[:3] == b"\xff\xd8\xff"
    ):
        return UnreadableImageError("the image is truncated within its header.", "truncated")
    return UnreadableImageError("the bytes are not those of an image, whatever the file is called.", "not_an_image")
