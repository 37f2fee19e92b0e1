"""`nevus data sources`: the layouts that can be read."""

from __future__ import annotations

import inspect

from nevus.cli.data.options import AsJson, print_json


def sources(*, as_json: AsJson = False) -> None:
    """List the datasets' layouts that nevus reads.

    Example: `nevus data sources`
    """
    from nevus.data.fetch import PLANS
    from nevus.data.sources import SOURCES

    rows = [
        {
            "source": name,
            "what": source.title,
            "layout": " ".join((inspect.getdoc(source) or "").split("\n\n")[0].split()),
            "licence": source.licence,
            "fetch": name in PLANS,
        }
        for name, source in SOURCES.items()
    ]
    if as_json:
        print_json(rows)
        return
    from rich.console import Console
    from rich.table import Table

    table = Table()
    for heading in ("source", "what", "layout", "licence"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(
            f"[bold]{row['source']}[/bold]", str(row["what"]), str(row["layout"]), str(row["licence"] or "own")
        )
    Console(highlight=False).print(table)
