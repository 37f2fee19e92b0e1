"""A matrix of counts, shaded by the share of its row: the confusion matrix."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup, escape

from nevus.reporting.page.charts.svg import LETTER, canvas, num, text

_HEAD = 44


def matrix_chart(
    rows: Sequence[str],
    columns: Sequence[str],
    counts: Sequence[Sequence[float]],
    *,
    title: str,
    row_label: str = "true",
    column_label: str = "predicted",
    cell: float = 44,
) -> Markup:
    """One cell a pair, its count written in it and its share of the row as depth of colour.

    Args:
        rows: names of the rows, from the top.
        columns: names of the columns, from the left; short ones (codes).
        counts: one sequence a row.
        title: what a screen reader says, followed by every row.
        row_label: what the rows are.
        column_label: what the columns are.
        cell: units of a cell's width and height.
    """
    left = max(len(name) for name in rows) * LETTER + 10
    body = [
        text(left - 6, 16, row_label + " ↓", kind="tick", anchor="end"),
        text(left + 2, 16, column_label + " →", kind="tick"),
    ]
    for k, name in enumerate(columns):
        body.append(text(left + (k + 0.5) * cell, _HEAD - 8, name, anchor="middle"))
    for r, (name, values) in enumerate(zip(rows, counts, strict=True)):
        total = sum(values) or 1
        y = _HEAD + r * cell
        body.append(text(left - 6, y + cell / 2 + 4, name, anchor="end"))
        for k, value in enumerate(values):
            share = value / total
            tone = "accent" if name == columns[k] else "warm"
            says = f"{name} as {columns[k]}: {value:,.0f} ({share:.1%})"
            body.append(
                f'<rect class="fill tone-{tone}" style="fill-opacity:{num(0.04 + 0.9 * share)}" '
                f'x="{num(left + k * cell + 1)}" y="{num(y + 1)}" width="{num(cell - 2)}" height="{num(cell - 2)}">'
                f"<title>{escape(says)}</title></rect>"
            )
            kind = "on-fill" if share > 0.55 else "value" if value else "tick"
            body.append(text(left + (k + 0.5) * cell, y + cell / 2 + 4, f"{value:,.0f}", kind=kind, anchor="middle"))
    said = "; ".join(
        f"{name}: " + ", ".join(f"{value:,.0f} as {c}" for c, value in zip(columns, values, strict=True) if value)
        for name, values in zip(rows, counts, strict=True)
    )
    return canvas(
        "".join(body), width=left + len(columns) * cell, height=_HEAD + len(rows) * cell, title=title, description=said
    )
