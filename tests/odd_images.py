"""Image files as people have them: of every usual kind, and of every way to be unusable."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from PIL import Image


def pixels(seed: int = 0, width: int = 120, height: int = 90) -> np.ndarray:
    """A rough texture."""
    coarse = np.random.default_rng(seed).integers(30, 230, (height // 10, width // 10, 3), dtype=np.uint8)
    return coarse.repeat(10, 0).repeat(10, 1)


def picture(seed: int = 0, **size: int) -> Image.Image:
    return Image.fromarray(pixels(seed, **size))


def encoded(image: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def rotated_by_exif() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return encoded(picture(), exif=exif)


def sixteen_bits() -> bytes:
    grey = pixels()[:, :, 0].astype(np.uint16) * 257
    return encoded(Image.fromarray(grey), "PNG")


def animation() -> bytes:
    return encoded(picture(1).convert("P"), "GIF", save_all=True, append_images=[picture(2).convert("P")])


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds next to nothing."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def jpeg_that_claims(width: int, height: int) -> bytes:
    data = bytearray(encoded(picture()))
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(data)


MUST_WORK = {
    "with alpha.png": lambda: encoded(picture().convert("RGBA"), "PNG"),
    "16 bit.png": sixteen_bits,
    "grey.jpg": lambda: encoded(picture().convert("L")),
    "cmyk.jpg": lambda: encoded(picture().convert("CMYK")),
    "palette.png": lambda: encoded(picture().convert("P"), "PNG"),
    "rotated.jpg": rotated_by_exif,
    "animated.gif": animation,
    "мушка/läsion ü.jpg": lambda: encoded(picture()),
}
"""Name -> the file's bytes; each shows 120 x 90 pixels, but for the photograph that EXIF turns."""

QUARANTINED = {
    "truncated.jpg": (lambda: encoded(picture())[:-800], "truncated"),
    "truncated.png": (lambda: encoded(picture(3), "PNG")[:-300], "truncated"),
    "text.jpg": (lambda: b"This is no image, but a text.\n" * 40, "not_an_image"),
    "bomb.png": (lambda: png_header(30_000, 30_000), "too_many_pixels"),
    "bomb.jpg": (lambda: jpeg_that_claims(30_000, 30_000), "too_many_pixels"),
    "empty.jpg": (lambda: b"", "empty"),
    "page.jpg": (lambda: b"%PDF-1.7\n" + bytes(200), "unsupported"),
    "missing.jpg": (lambda: None, "missing"),
    "tiny.jpg": (lambda: encoded(picture(width=120, height=60)), "too_small"),
    "white.jpg": (lambda: encoded(Image.new("RGB", (120, 90), "white")), "blank"),
}
"""Name -> the file's bytes (None: there is no such file), and why it is rejected."""


def jpeg_with_exif(jpeg: bytes, orientation: int) -> bytes:
    """The same JPEG, bit by bit, with an EXIF segment that says how to turn it."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "maker"
    segment = b"Exif\x00\x00" + exif.tobytes().removeprefix(b"Exif\x00\x00")
    return jpeg[:2] + b"\xff\xe1" + (len(segment) + 2).to_bytes(2, "big") + segment + jpeg[2:]
