from __future__ import annotations

import io
import struct
import time

import numpy as np
import pytest
import simplejpeg
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageFile

from nevus.imaging import decode_image
from nevus.imaging.jpeg_metadata import cut_metadata
from nevus.imaging.orientation import turn_upright
from odd_images import encoded, picture, pixels

SECRET = b"Erika Mustermann"
XMP = b"http://ns.adobe.com/xap/1.0/\x00<x:xmpmeta>Erika Mustermann</x:xmpmeta>"


def segment(kind: int, content: bytes) -> bytes:
    return bytes((0xFF, kind)) + struct.pack(">H", len(content) + 2) + content


def with_segments(jpeg: bytes, *segments: bytes) -> bytes:
    """The JPEG with segments put in behind its JFIF segment."""
    end = 4 + struct.unpack(">H", jpeg[4:6])[0] if jpeg[3] == 0xE0 else 2
    return jpeg[:end] + b"".join(segments) + jpeg[end:]


def thumbnail_in_jfif(jpeg: bytes) -> bytes:
    return jpeg[:2] + segment(0xE0, jpeg[6:18] + b"\x01\x06" + SECRET + b"  ") + jpeg[20:]


def exif(orientation: int = 6) -> Image.Exif:
    made = Image.Exif()
    made[0x0112] = orientation
    made[0x010E] = SECRET.decode()
    made.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.0), 29: "2021:05:06"})
    return made


def profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def of_two_pictures() -> bytes:
    return encoded(picture(), "MPO", save_all=True, append_images=[picture(9)])


def between_scans(jpeg: bytes) -> bytes:
    """A comment and an APP1 before the second scan of a progressive JPEG."""
    first = jpeg.index(b"\xff\xda")
    at = jpeg.index(b"\xff\xc4", first)
    return jpeg[:at] + segment(0xFE, SECRET) + segment(0xE1, XMP) + jpeg[at:]


def after_the_scan(jpeg: bytes) -> bytes:
    return jpeg[:-2] + segment(0xFE, SECRET + b"\xff\xd9" + SECRET) + jpeg[-2:]


def fill_bytes(jpeg: bytes) -> bytes:
    """FF before markers, as the standard allows, in the header and at the end of the scan."""
    at = jpeg.index(b"\xff\xda")
    return jpeg[:2] + b"\xff\xff" + jpeg[2:at] + b"\xff\xff\xff" + jpeg[at:-2] + b"\xff\xff" + jpeg[-2:]


PLAIN = encoded(picture(), quality=90)
PROGRESSIVE = encoded(picture(), progressive=True)
SHAPES = {
    "plain": PLAIN,
    "by simplejpeg": simplejpeg.encode_jpeg(pixels(), 88, colorsubsampling="420"),
    "exif with gps": encoded(picture(), exif=exif()),
    "exif, icc, comment and dpi": encoded(
        picture(), exif=exif(3), icc_profile=profile(), comment=SECRET, dpi=(300, 300)
    ),
    "xmp": encoded(picture(), xmp=XMP.partition(b"\x00")[2]),
    "segments of all applications": with_segments(PLAIN, *(segment(kind, SECRET) for kind in range(0xE1, 0xF0))),
    "xmp by hand, icc-like and adobe-like": with_segments(
        PLAIN, segment(0xE1, XMP), segment(0xE2, b"ICC_PROF" + SECRET), segment(0xEE, b"Ado" + SECRET)
    ),
    "adobe note with more behind it": with_segments(PLAIN, segment(0xEE, b"Adobe\0\x64\0\0\0\0\1" + SECRET)),
    "thumbnail in jfif": thumbnail_in_jfif(PLAIN),
    "jfxx thumbnail": with_segments(PLAIN, segment(0xE0, b"JFXX\0\x10" + SECRET)),
    "grey": encoded(picture().convert("L"), comment=SECRET),
    "cmyk": encoded(picture().convert("CMYK"), comment=SECRET, exif=exif(1)),
    "rgb kept as rgb": encoded(picture(), keep_rgb=True, comment=SECRET),
    "progressive": encoded(picture(), progressive=True, exif=exif(8)),
    "progressive with comments between scans": between_scans(PROGRESSIVE),
    "restart markers": encoded(picture(), restart_marker_blocks=2, comment=SECRET),
    "several pictures": of_two_pictures(),
    "garbage behind the end": PLAIN + SECRET * 50,
    "a second jpeg behind the end": PLAIN + encoded(picture(4), comment=SECRET),
    "garbage between segments": with_segments(PLAIN, SECRET + b"\xff\x00" + SECRET + b"\xff"),
    "comment behind the scan": after_the_scan(PLAIN),
    "fill bytes": fill_bytes(PLAIN),
}
TRACES = (SECRET, b"Exif\0", b"xmpmeta", b"MPF\0", b"JFXX")


def scans(jpeg: bytes) -> bytes:
    """The entropy-coded data from the first scan's header to the end of the picture, of a JPEG without fill bytes."""
    return jpeg[jpeg.index(b"\xff\xda") : jpeg.rindex(b"\xff\xd9")]


@pytest.mark.parametrize("name", SHAPES)
def test_pixels_stay_and_traces_go(name: str) -> None:
    before = SHAPES[name]
    after = cut_metadata(before).data
    for trace in TRACES:
        assert trace not in after
    with Image.open(io.BytesIO(before)) as old, Image.open(io.BytesIO(after)) as new:
        assert (new.mode, new.size) == (old.mode, old.size)
        assert np.array_equal(np.asarray(new), np.asarray(old))
        assert not new.getexif()
        assert new.info.get("icc_profile") == old.info.get("icc_profile")
    if name not in ("cmyk", "garbage between segments"):  # simplejpeg turns the one round and refuses the other
        assert np.array_equal(simplejpeg.decode_jpeg(after), simplejpeg.decode_jpeg(before))


@pytest.mark.parametrize("name", ["plain", "exif with gps", "progressive", "restart markers", "cmyk"])
def test_scans_are_copied_bit_by_bit(name: str) -> None:
    assert scans(cut_metadata(SHAPES[name]).data) == scans(SHAPES[name])


@pytest.mark.parametrize("name", SHAPES)
def test_cutting_again_changes_nothing(name: str) -> None:
    once = cut_metadata(SHAPES[name]).data
    assert cut_metadata(once).data == once


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_and_the_cut_picture_give_what_was_shown(orientation: int) -> None:
    photograph = encoded(picture(), exif=exif(orientation))
    cut = cut_metadata(photograph)
    assert cut.orientation == orientation
    shown = turn_upright(decode_image(cut.data).pixels, cut.orientation)
    assert np.array_equal(shown, decode_image(photograph).pixels)


def test_a_picture_without_a_note_is_upright() -> None:
    assert cut_metadata(PLAIN).orientation == 1


def test_the_second_picture_is_gone_and_the_first_is_the_one_that_was_shown() -> None:
    photograph = of_two_pictures()
    after = cut_metadata(photograph).data
    assert after.count(b"\xff\xd8\xff") == 1
    assert photograph.count(b"\xff\xd8\xff") == 2


def test_segments_of_kinds_that_nothing_uses_are_cut() -> None:
    assert cut_metadata(with_segments(PLAIN, segment(0xF0, SECRET), segment(0xFD, SECRET))).data == PLAIN


def test_nothing_is_taken_from_a_clean_file() -> None:
    assert cut_metadata(PLAIN).data == PLAIN


@pytest.mark.parametrize("lost", [2, 40, 800])
def test_a_file_that_breaks_off_in_its_scan_is_kept_as_far_as_it_goes(
    lost: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = encoded(picture(), exif=exif())[:-lost]
    after = cut_metadata(broken).data
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    with Image.open(io.BytesIO(broken)) as old, Image.open(io.BytesIO(after)) as new:
        assert np.array_equal(np.asarray(new), np.asarray(old))
    assert SECRET not in after
    assert not after.endswith(b"\xff\xd9")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "begin"),
        (encoded(picture(), "PNG"), "begin"),
        (b"\xff\xd8", "before its first scan"),
        (b"\xff\xd8\xff\xd9", "before its first scan"),
        (PLAIN[:30], "cut off"),
        (b"\xff\xd8\xff\xe0\x00\x01" + PLAIN[2:], "damaged"),
        (b"\xff\xd8" + segment(0xFE, b"") * 5000 + PLAIN[2:], "more than 4096 segments"),
    ],
)
def test_what_is_no_jpeg_or_ends_in_its_header_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        cut_metadata(data)


def test_a_file_of_nothing_but_fill_bytes_takes_no_longer_than_its_length_asks() -> None:
    start = time.perf_counter()
    with pytest.raises(ValueError, match="before its first scan"):
        cut_metadata(b"\xff\xd8" + b"\xff" * 4_000_000)
    assert time.perf_counter() - start < 5


DAMAGE = st.lists(st.tuples(st.integers(0, 2000), st.binary(max_size=6)), max_size=8)


@given(st.sampled_from([SHAPES["exif with gps"], PROGRESSIVE, of_two_pictures()]), DAMAGE, st.integers(0, 6000))
def test_damage_is_survived_or_refused(jpeg: bytes, damage: list[tuple[int, bytes]], kept: int) -> None:
    broken = bytearray(jpeg[:kept])
    for at, put in damage:
        broken[at : at + len(put)] = put
    try:
        cut = cut_metadata(bytes(broken))
    except ValueError:
        return
    assert len(cut.data) <= len(broken)
    assert cut.data[:2] == b"\xff\xd8"
    assert cut.orientation in range(1, 9)


@given(st.binary(max_size=300))
def test_any_bytes_behind_a_beginning_are_survived_or_refused(rest: bytes) -> None:
    try:
        cut = cut_metadata(b"\xff\xd8" + rest)
    except ValueError:
        return
    assert b"\xff\xda" in cut.data
