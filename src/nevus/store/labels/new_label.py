"""What somebody sends as a label, and what makes it one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from nevus.store.label import RANKS
from nevus.store.labels.errors import LabelError
from nevus.store.plain_text import storable
from nevus.taxonomy import DIAGNOSES, UNKNOWN

LONGEST_NOTE = 2000
_HASH = re.compile(r"[0-9a-f]{64}")
_CODES = ", ".join(code for code in DIAGNOSES if code != UNKNOWN)
_WAYS = ", ".join(way for way in RANKS if way)
_EARTH_AHEAD = timedelta(hours=14)
"""Somewhere it is already tomorrow; a date there isn't in the future."""


@dataclass(frozen=True)
class NewLabel:
    """A diagnosis of an image, which is named by one of its predictions, by its hash, or by both.

    confirmed_by: histology, confocal, follow_up, consensus, or None for an opinion. confirmed_on: when, if confirmed.
    replaces: the id of the label that counts now, which this one corrects.
    """

    diagnosis: str
    prediction_id: str | None = None
    image_hash: str | None = None
    confirmed_by: str | None = None
    confirmed_on: date | None = None
    note: str | None = None
    replaces: str | None = None


def check_label(new: NewLabel, at: datetime) -> None:
    """Look at what a label says by itself.

    Raises:
        LabelError: names the first field that can't be.
    """
    if new.prediction_id is None and new.image_hash is None:
        raise LabelError("prediction_id", "is missing, and so is image_hash; one must say which image is meant.")
    if new.image_hash is not None and not _HASH.fullmatch(new.image_hash):
        raise LabelError("image_hash", "is the SHA-256 of the image's bytes, 64 characters of 0-9 and a-f.")
    if new.diagnosis == UNKNOWN:
        raise LabelError("diagnosis", f"{UNKNOWN!r} is no label; send one when the diagnosis is known.")
    if new.diagnosis not in DIAGNOSES:
        raise LabelError("diagnosis", f"there is no {new.diagnosis[:40]!r}; the codes are {_CODES}.")
    if new.confirmed_by not in RANKS:
        raise LabelError("confirmed_by", f"there is no {new.confirmed_by!r}; there is {_WAYS}, or nothing.")
    if new.confirmed_on is not None and new.confirmed_by is None:
        raise LabelError("confirmed_on", "says when, and confirmed_by doesn't say how.")
    if new.confirmed_on is not None and new.confirmed_on > (at + _EARTH_AHEAD).date():
        raise LabelError("confirmed_on", f"{new.confirmed_on} is in the future.")
    if new.note is not None and (len(new.note) > LONGEST_NOTE or not storable(new.note)):
        raise LabelError("note", f"is text of up to {LONGEST_NOTE} characters, without NUL.")
