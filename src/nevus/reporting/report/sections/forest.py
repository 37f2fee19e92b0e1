"""A table whose scores are drawn as well: one row a subgroup, subset or class, one dot-and-bar a score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from nevus.evaluation.estimate import Estimate
from nevus.reporting.page.charts import Tone
from nevus.reporting.report.charts.interval_mark import Axis, interval_axis, interval_mark
from nevus.reporting.report.wording import shown, shown_percent


@dataclass(frozen=True)
class Column:
    """One score: drawn, or only printed; `reference` is a value to compare with."""

    name: str
    plot: bool = True
    reference: float | None = None
    percent: bool = False
    axis: Axis | None = None


@dataclass(frozen=True)
class Entry:
    """One row before it is drawn; `why` says why figures are missing, and `again`, shorter, stands for it
    after its first time in the row. Without figures it is a heading."""

    label: str
    note: str = ""
    figures: tuple[Estimate | None, ...] = ()
    why: str = ""
    tone: Tone = "accent"
    again: str = ""


@dataclass(frozen=True)
class Cell:
    """One score of one row, ready to show."""

    words: str
    mark: Markup | None
    missing: bool
    name: str


@dataclass(frozen=True)
class Row:
    """One row, ready to show."""

    label: str
    note: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Forest:
    """The whole table, ready to show: `columns` are names with their axis, or None where nothing is drawn."""

    caption: str
    label: str
    note: str
    columns: tuple[tuple[str, Markup | None], ...]
    rows: tuple[Row, ...]


def draw_forest(caption: str, label: str, note: str, columns: Sequence[Column], entries: Sequence[Entry]) -> Forest:
    """Draw every score of a column on the same axis.

    Args:
        caption: what the table is, for screen readers.
        label: what the rows are.
        note: what the number beside each row is.
        columns: the scores.
        entries: rows from top to bottom; their figures in the order of `columns`.
    """
    axes = [
        column.axis
        or Axis.around(
            [e.figures[k] for e in entries if e.figures], [] if column.reference is None else [column.reference]
        )
        for k, column in enumerate(columns)
    ]
    return Forest(
        caption,
        label,
        note,
        tuple(
            (c.name, interval_axis(a, percent=c.percent) if c.plot else None)
            for c, a in zip(columns, axes, strict=True)
        ),
        tuple(Row(e.label, e.note, _cells(e, columns, axes)) for e in entries),
    )


def _cells(entry: Entry, columns: Sequence[Column], axes: Sequence[Axis]) -> tuple[Cell, ...]:
    cells: list[Cell] = []
    for figure, column, axis in zip(entry.figures, columns, axes, strict=False):
        missing = figure is None or figure.value is None
        why = entry.again if entry.again and any(cell.missing for cell in cells) else entry.why
        words = why or "not assessed" if missing else (shown_percent if column.percent else shown)(figure)
        mark = None
        if column.plot and not missing:
            says = f"{entry.label}, {column.name.lower()}: {words}"
            mark = interval_mark(figure, axis, says=says, tone=entry.tone, reference=column.reference)
        cells.append(Cell(words, mark, missing, column.name))
    return tuple(cells)
