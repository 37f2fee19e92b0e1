"""Reading the repository's documents: their code blocks, commands, links and tables."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = tuple(sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]))
SHELL = ("shell", "sh", "bash", "console")

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`((?:nevus|make)\s[^`]+)`")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block and the line it starts at."""

    document: Path
    line: int
    language: str
    text: str


@dataclass(frozen=True)
class Command:
    """One command of a shell block, without environment variables and `time` in front."""

    document: Path
    line: int
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"{name_of(self.document)}:{self.line}: {shlex.join(self.words)}"


def name_of(document: Path) -> str:
    return document.relative_to(ROOT).as_posix()


def blocks(document: Path, *languages: str) -> list[Block]:
    text = document.read_text(encoding="utf-8")
    found = (Block(document, text.count("\n", 0, m.start()) + 2, m[1], m[2]) for m in _FENCE.finditer(text))
    return [block for block in found if block.language in languages]


def commands(document: Path) -> Iterator[Command]:
    for block in blocks(document, *SHELL):
        joined = ""
        for number, line in enumerate(block.text.splitlines(), block.line):
            joined += line.removesuffix("\\")
            if line.endswith("\\"):
                continue
            for part in joined.split("&&"):
                words = shlex.split(part.removeprefix("$ "), comments=True)
                while words and (words[0] == "time" or re.match(r"[A-Z_]+=", words[0])):
                    words.pop(0)
                if words:
                    yield Command(document, number, tuple(words))
            joined = ""


def inline_commands(document: Path) -> list[Command]:
    """Commands within sentences, which may be cut short: `nevus models rollback`."""
    text = prose(document)
    found = ((text.count("\n", 0, m.start()) + 1, m[1]) for m in _INLINE.finditer(text))
    return [Command(document, line, tuple(shlex.split(words))) for line, words in found]


def prose(document: Path) -> str:
    """The text without its fenced blocks; lines keep their numbers."""
    return _FENCE.sub(lambda m: "\n" * m[0].count("\n"), document.read_text(encoding="utf-8"))


def links(document: Path) -> list[str]:
    return _LINK.findall(prose(document))


def anchors(document: Path) -> set[str]:
    """The names by which a document's headings can be linked."""
    titles = _HEADING.findall(prose(document))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def tables(document: Path, heading: str) -> list[list[list[str]]]:
    """The tables below a heading, up to the next heading: rows of cells, without the head."""
    section = re.split(r"^#+ ", document.read_text(encoding="utf-8"), flags=re.MULTILINE)
    (text,) = (part for part in section if part.split("\n", 1)[0] == heading)
    found: list[list[list[str]]] = []
    for part in re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE):
        rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in part.splitlines()]
        found.append(rows[2:])
    return found


def codes(cell: str) -> list[str]:
    """What stands in backticks."""
    return re.findall(r"`([^`]+)`", cell)
