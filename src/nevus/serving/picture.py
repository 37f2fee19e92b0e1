"""A picture as it is kept: its pixels without what files carry beside them."""

from __future__ import annotations

import io
from dataclasses import dataclass

from PIL import Image

from nevus.imaging import DecodedImage, DecodeLimits, decode_image
from nevus.imaging.jpeg_metadata import cut_metadata


@dataclass(frozen=True)
class Picture:
    """Bytes to keep. orientation: EXIF's, of a JPEG whose metadata were cut; 1 = upright."""

    data: bytes
    media_type: str
    orientation: int

    def key(self, image_hash: str) -> str:
        """Its name in the blob store, by the hash of what was sent: the same file twice is kept once."""
        return f"images/{image_hash[:2]}/{image_hash}.{'jpg' if self.media_type == 'image/jpeg' else 'png'}"


def kept_picture(data: bytes, limits: DecodeLimits, decoded: DecodedImage | None = None) -> Picture:
    """What is kept of an image that could be decoded: a JPEG's own pixels, anything else as PNG, upright.

    decoded: in full, where the caller has it already.
    """
    if data[:3] == b"\xff\xd8\xff":
        try:
            cut = cut_metadata(data)
        except ValueError:  # odd enough to be written anew
            pass
        else:
            return Picture(cut.data, "image/jpeg", cut.orientation)
    pixels = (decoded or decode_image(data, limits=limits)).pixels
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
    return Picture(buffer.getvalue(), "image/png", 1)
