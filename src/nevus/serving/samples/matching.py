"""Which line of the table speaks of which file."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nevus.serving.samples.offered import Offered, plain_name, unsafe_name
from nevus.serving.tables import Line
from nevus.store.samples import RejectedSample


@dataclass(frozen=True)
class Match:
    """A file with its line."""

    line: Line
    file: Offered


def match_lines(
    lines: Sequence[Line], files: Sequence[Offered], folder: str = "", refused: Sequence[RejectedSample] = ()
) -> tuple[list[Match], list[RejectedSample]]:
    """Each file with its line, in the table's order, and what has no counterpart.

    A line names its file in full, relative to the table's folder, or by its last part where only one file has it.
    A file that several lines name, or a name that several files have, is refused: nobody knows what was meant. What is
    in `refused` was turned away before.
    """
    usable, rejected = _usable(files)
    gone = {plain_name(one.name) for one in (*refused, *rejected)}
    named: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        asked = plain_name(line.values.get("file", ""))
        relative = f"{folder}/{asked}" if folder else asked
        found = _find(asked, relative, usable)
        if found is not None:
            named[found].append(line)
        elif asked not in gone and relative not in gone:
            shown = asked[:200] or f"line {line.line}"
            rejected.append(RejectedSample(shown, "missing", f"line {line.line}: no file of this name was sent."))
    matches = []
    for name, its in named.items():
        if len(its) == 1:
            matches.append(Match(its[0], usable[name]))
        else:
            numbers = ", ".join(str(line.line) for line in its)
            rejected.append(RejectedSample(name, "duplicate_id", f"several lines of the table name it: {numbers}."))
    unnamed = "no line of the table names this file; a label never comes from a file's name."
    rejected += [RejectedSample(name, "not_in_table", unnamed) for name in usable if name not in named]
    return sorted(matches, key=lambda match: match.line.line), rejected


def _usable(files: Sequence[Offered]) -> tuple[dict[str, Offered], list[RejectedSample]]:
    """Name -> the one file that has it; and the files whose names can't be used."""
    rejected = [
        RejectedSample(file.name[:200], "bad_name", wrong) for file in files if (wrong := unsafe_name(file.name))
    ]
    named = [file for file in files if not unsafe_name(file.name)]
    times = Counter(file.name for file in named)
    rejected += [
        RejectedSample(name, "duplicate_id", f"{count} files have this name.")
        for name, count in times.items()
        if count > 1
    ]
    return {file.name: file for file in named if times[file.name] == 1}, rejected


def _find(asked: str, relative: str, usable: Mapping[str, Offered]) -> str | None:
    if asked in usable:
        return asked
    if relative in usable:
        return relative
    last = asked.rpartition("/")[2]
    alike = [name for name in usable if name.rpartition("/")[2] == last]
    return alike[0] if len(alike) == 1 else None
