"""Text that both databases can hold."""

from __future__ import annotations


def storable(text: str) -> bool:
    """Whether both databases take it: Postgres has no NUL, and neither has half of a surrogate pair."""
    return "\x00" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def made_storable(text: str) -> str:
    """The text with U+FFFD for each character that a database wouldn't take."""
    return "".join(character if storable(character) else "\N{REPLACEMENT CHARACTER}" for character in text)
