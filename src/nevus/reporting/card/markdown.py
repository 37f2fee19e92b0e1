"""Markdown from values that others chose: text stays text, whatever characters it holds."""

from __future__ import annotations

import re
from collections.abc import Sequence


class Markdown(str):
    """Text that is Markdown already, and goes into the card as it is."""

    __slots__ = ()


_SPECIAL = re.compile(r"([\\`*\[\]|~#]|(?<![^\W_])_|_(?![^\W_]))")


def escape(value: object) -> str:
    """A value as plain text: no markup, no HTML, on one line."""
    if isinstance(value, Markdown):
        return value
    flat = " ".join(str(value).split())
    flat = _SPECIAL.sub(r"\\\1", flat)
    return flat.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def table(columns: Sequence[tuple[str, bool]], rows: Sequence[Sequence[object]]) -> Markdown:
    """A table; columns are (name, is a number), and numbers stand on the right."""
    lines = [
        "| " + " | ".join(escape(name) for name, _ in columns) + " |",
        "|" + "|".join(" ---: " if number else " --- " for _, number in columns) + "|",
        *("| " + " | ".join(escape(cell) for cell in row) + " |" for row in rows),
    ]
    return Markdown("\n".join(lines))


def code_block(text: str, language: str = "") -> Markdown:
    """A fenced block that its own content can't close."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return Markdown(f"{fence}{language}\n{text.rstrip()}\n{fence}")


def bullets(items: Sequence[object]) -> Markdown:
    """A list, one item a line."""
    return Markdown("\n".join(f"- {escape(item)}" for item in items))
