"""`nevus audit`: the log of decisions, and the proof that nobody has changed it."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from nevus.cli.store_context import AsJson, Home, StoreUrl, open_context
from nevus.errors import EXIT_FAILED

app = typer.Typer(
    name="audit",
    help="Verify and show the log of decisions.\n\nExample: `nevus audit verify`",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
)


@app.command()
def verify(
    *,
    head: Annotated[
        str | None,
        typer.Option(help="A head that an earlier `verify` printed, kept elsewhere.", metavar="SEQUENCE:HASH"),
    ] = None,
    as_json: AsJson = False,
    home: Home = None,
    store: StoreUrl = None,
) -> None:
    """Check that no row was changed, removed, put in or moved, and that the models' states are those it tells of.

    Exits 1 where something is wrong. Somebody who can write to the database can also compute a whole new log: keep the
    head that this prints somewhere else, and give it to the next `verify`.

    Example: `nevus audit verify --head 41:9f2c…`
    """
    from nevus.store import parse_head
    from nevus.store import verify as verify_chain
    from nevus.store.registry import unexplained_states

    noted = parse_head(head) if head else None
    with open_context(home, store) as context:
        found = verify_chain(context.store, noted=noted)
        states = unexplained_states(context.store)
    intact = found.intact and not states
    if as_json:
        problems = [{"row": p.sequence, "kind": p.kind, "message": p.message} for p in found.problems]
        record = {
            "intact": intact,
            "rows": found.rows,
            "head": str(found.head),
            "problems": problems,
            "unexplained_states": states,
        }
        typer.echo(json.dumps(record, ensure_ascii=False, indent=1))
    else:
        for message in (*(p.message for p in found.problems), *states):
            typer.echo(f"problem: {message}")
        verdict = "intact" if intact else "NOT intact"
        typer.echo(f"{found.rows} rows, {verdict}. Head: {found.head}")
    if not intact:
        raise typer.Exit(EXIT_FAILED)


@app.command("list")
def list_(
    *,
    last: Annotated[int, typer.Option(min=1, help="How many rows, counted from the end.")] = 50,
    subject: Annotated[
        str | None, typer.Option(help="Only rows about this, such as lesions/3.", metavar="TEXT")
    ] = None,
    action: Annotated[str | None, typer.Option(help="Only this action, such as model.promote.", metavar="TEXT")] = None,
    as_json: AsJson = False,
    home: Home = None,
    store: StoreUrl = None,
) -> None:
    """Show the latest decisions: who did what, when, and why.

    Example: `nevus audit list --action model.promote`
    """
    from nevus.cli.model_tables import entry_record, print_history
    from nevus.store import entries

    with open_context(home, store) as context:
        rows = entries(context.store, action=action, subject=subject, last=last)
    if as_json:
        typer.echo(json.dumps([entry_record(row) for row in rows], ensure_ascii=False, indent=1))
    elif rows:
        print_history(rows)
    else:
        typer.echo("no such row.")
