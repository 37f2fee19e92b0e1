"""Why a row is rejected: a closed list, with a text for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

Reason = Literal[
    "duplicate_id",
    "label_unmapped",
    "label_conflict",
    "age_impossible",
    "missing",
    "unreachable",
    "empty",
    "not_an_image",
    "truncated",
    "too_many_pixels",
    "unsupported",
    "too_small",
    "blank",
    "blurred",
    "class_left_out",
    "same_image",
]

REASONS: tuple[Reason, ...] = get_args(Reason)
"""In this order of precedence: a row with several faults counts for the first."""

SET_ASIDE: frozenset[Reason] = frozenset({"class_left_out", "same_image"})
"""Left out for no fault of the data: by the settings, or because another dataset has the same image. No part of the
rejected share."""

TEXTS: Mapping[Reason, str] = {
    "duplicate_id": "the image id stands in several rows",
    "label_unmapped": "the label is not in the source's mapping",
    "label_conflict": "the lesion's images carry different labels",
    "age_impossible": "the age is not possible",
    "missing": "there is no such file",
    "unreachable": "the file can't be read",
    "empty": "the file is empty",
    "not_an_image": "the file is not an image",
    "truncated": "the image is truncated or damaged",
    "too_many_pixels": "the image has too many pixels",
    "unsupported": "the kind of image is not supported",
    "too_small": "the image is too small",
    "blank": "the image shows nothing",
    "blurred": "the image is blurred",
    "class_left_out": "the settings leave this diagnosis out (data.classes)",
    "same_image": "the image is in another dataset too, whose row is kept",
}
