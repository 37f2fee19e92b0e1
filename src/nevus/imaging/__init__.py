"""Images in: decoding, framing, quality and overlays. The one path that training and serving share."""

from nevus.imaging.decode import DecodedImage, DecodeLimits, UnreadableImageError, decode_image, read_image
from nevus.imaging.overlay import overlay_evidence
from nevus.imaging.quality import Quality, measure_quality, quality_reasons
from nevus.imaging.resize import frame, resize_short_side

__all__ = [
    "DecodeLimits",
    "DecodedImage",
    "Quality",
    "UnreadableImageError",
    "decode_image",
    "frame",
    "measure_quality",
    "overlay_evidence",
    "quality_reasons",
    "read_image",
    "resize_short_side",
]
