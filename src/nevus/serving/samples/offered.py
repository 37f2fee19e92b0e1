"""A picture that somebody offers, and names that none may have."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

_DRIVE = re.compile(r"[A-Za-z]:")
LONGEST_NAME = 200


@dataclass(frozen=True)
class Offered:
    """name: with `/` between folders, as its uploader has it. read: the bytes; may raise `UnreadableImageError`."""

    name: str
    read: Callable[[], bytes]


def plain_name(name: str) -> str:
    """The name with `/` between folders and without a leading `./`."""
    return name.replace("\\", "/").removeprefix("./")


def unsafe_name(name: str) -> str | None:
    """Why no file may have this name; None where it may. Names are never used as paths here, but others may."""
    plain = name.replace("\\", "/")
    if not plain.strip() or len(plain) > LONGEST_NAME or not plain.isprintable():
        return f"a name has 1 to {LONGEST_NAME} printable characters."
    if plain.startswith("/") or _DRIVE.match(plain):
        return "the name is an absolute path; write it relative to the table."
    if ".." in plain.split("/"):
        return "the name leaves its folder by `..`."
    return None
