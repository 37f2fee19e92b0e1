"""Tables as people send them: CSV with a head, by commas or semicolons."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection
from dataclasses import dataclass

from nevus.serving.errors import ProblemError


@dataclass(frozen=True)
class Line:
    """line: in the file, from 1. values: column -> text, without the empty ones."""

    line: int
    values: dict[str, str]


def read_table(
    data: bytes, *, needed: Collection[str], known: Collection[str], most_lines: int, field: str = "table"
) -> list[Line]:
    """The lines of a CSV table, in UTF-8 with or without its mark.

    Args:
        data: the file.
        needed: columns that must be there.
        known: further columns that may be there.
        most_lines: more are refused.
        field: what the table is called in the request.

    Raises:
        ProblemError: 422, it isn't such a table.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ProblemError(
            422, f"the table is not UTF-8 (byte {error.start}); save it as CSV UTF-8.", field=field
        ) from error
    head = text.partition("\n")[0]
    delimiter = max(",;\t", key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        columns = [name.strip().lower() for name in next(reader, [])]
        _check_columns(columns, needed, known, field)
        lines: list[Line] = []
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if len(lines) == most_lines:
                raise ProblemError(422, f"the table has more than the {most_lines} lines allowed.", field=field)
            if len(cells) > len(columns):
                raise ProblemError(
                    422, f"line {reader.line_num} has {len(cells)} cells for {len(columns)} columns.", field=field
                )
            values = {name: cell.strip() for name, cell in zip(columns, cells, strict=False) if cell.strip()}
            lines.append(Line(reader.line_num, values))
    except csv.Error as error:
        raise ProblemError(422, f"the table can't be read as CSV: {error}.", field=field) from error
    return lines


def _check_columns(columns: list[str], needed: Collection[str], known: Collection[str], field: str) -> None:
    missing = [name for name in needed if name not in columns]
    if missing:
        raise ProblemError(422, f"the table lacks the column {', '.join(missing)}.", field=field)
    strange = [name for name in columns if name not in needed and name not in known]
    if strange:
        raise ProblemError(
            422,
            f"the table has a column {strange[0][:40]!r}; the columns are {', '.join([*needed, *known])}.",
            field=field,
        )
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if twice:
        raise ProblemError(422, f"the table has the column {twice[0]} twice.", field=field)
