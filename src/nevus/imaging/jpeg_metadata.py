"""JPEGs without what they tell of their patient: metadata and trailing bytes are cut, no pixel is encoded anew."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from nevus.imaging.orientation import exif_orientation

_MARKER = re.compile(rb"\xff([\xc0-\xcf\xd8-\xfe])")
"""In a scan's data, FF stands before 00 (a byte of the data), a restart (D0-D7) or the marker that ends the scan. Below
C0 nothing is in use: such bytes are damage, which a decoder skips in a scan and refuses in a header."""
_SOI, _EOI, _SOS, _JFIF, _ICC, _ADOBE = 0xD8, 0xD9, 0xDA, 0xE0, 0xE2, 0xEE
_DECODED = frozenset({*range(0xC0, 0xD0), _SOS, *range(0xDB, 0xE0)})
"""What a decoder needs: frames, Huffman and arithmetic tables, scans, quantisation, restart interval, line count."""
_MOST_SEGMENTS = 4096
"""A photograph has about ten, with a large colour profile a few hundred; a file made to keep us busy has millions."""


@dataclass(frozen=True)
class CutJpeg:
    """A JPEG that holds its pixels and nothing else, and how they must be turned (EXIF orientation, 1..8)."""

    data: bytes
    orientation: int


def cut_metadata(data: bytes) -> CutJpeg:
    """Cut what isn't needed to decode a JPEG; tables and scans are copied bit by bit.

    Kept of the application's segments: JFIF without its thumbnail, ICC profiles, and Adobe's note on the colours.
    Cut: EXIF, XMP, IPTC, MPF, comments, segments of unknown kinds, whatever lies between segments or behind the
    picture's end. A file that breaks off within a scan is kept as far as it goes, without an end of its own.

    Raises:
        ValueError: it isn't a JPEG, it ends before its first scan, or it has more segments than any photograph.
    """
    if data[:2] != b"\xff\xd8":
        raise ValueError("the bytes don't begin as a JPEG does (FF D8).")
    return CutJpeg(b"".join((b"\xff\xd8", *_kept(data))), exif_orientation(data))


def _kept(data: bytes) -> Iterator[bytes | memoryview]:
    """The parts to keep after the first marker, in their order."""
    view = memoryview(data)
    at, last, scans = 2, 0, 0
    for _ in range(_MOST_SEGMENTS):
        found = _MARKER.search(data, at)
        if last == _SOS:
            yield view[at : found.start() if found else len(data)]
        if found is None or found[1][0] in (_SOI, _EOI):
            if not scans:
                raise ValueError("the JPEG ends before its first scan.")
            if found and found[1][0] == _EOI:
                yield b"\xff\xd9"
            return
        last, content = found[1][0], found.end() + 2
        at = found.end() + int.from_bytes(view[found.end() : content], "big")
        if not content <= at <= len(data):
            if scans:  # a decoder stops there too
                return
            raise ValueError("a segment of the JPEG's header is damaged or cut off.")
        scans += last == _SOS
        yield view[found.start() : at] if last in _DECODED else _without_extras(last, data[content:at])
    raise ValueError(f"the JPEG has more than {_MOST_SEGMENTS} segments.")


def _without_extras(kind: int, content: bytes) -> bytes:
    """What is kept of an application's segment or a comment: its needed bytes, or nothing."""
    if kind == _JFIF and content[:5] == b"JFIF\x00" and len(content) >= 14:
        return b"\xff\xe0\x00\x10" + content[:12] + b"\x00\x00"  # a thumbnail of 0 x 0
    if kind == _ICC and content[:12] == b"ICC_PROFILE\x00":
        return b"\xff\xe2" + (len(content) + 2).to_bytes(2, "big") + content
    if kind == _ADOBE and content[:5] == b"Adobe" and len(content) >= 12:
        return b"\xff\xee\x00\x0e" + content[:12]
    return b""
