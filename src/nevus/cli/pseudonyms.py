"""`nevus pseudonyms`: the secret that patients' and lesions' keys are hashed with."""

from __future__ import annotations

from typing import Annotated

import typer

from nevus.cli.store_context import Home, StoreUrl, open_context

app = typer.Typer(
    name="pseudonyms",
    help="The secret that patients' keys are hashed with.\n\nExample: `nevus pseudonyms rotate`",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
)


@app.callback()
def _group() -> None:
    """Keep `rotate` a command of its own name."""


@app.command()
def rotate(
    *,
    lost: Annotated[bool, typer.Option("--lost", help="The old secret is gone for good.")] = False,
    home: Home = None,
    store: StoreUrl = None,
) -> None:
    """Hash patients' keys with a new secret from now on. Stop the service first.

    Rows of before stay hashed with the old one, since nobody stores the plain keys: their patients are found with the
    old secret only, by `nevus erase --pseudonym-file`, and meet champion or challenger anew.

    Example: `nevus pseudonyms rotate`
    """
    from nevus.store.pseudonym_secrets import rotate as replace
    from nevus.store.pseudonyms import secret_file

    with open_context(home, store) as context:
        kept = replace(context.store, context.home, lost=lost)
        typer.echo(f"{secret_file(context.home)}: a new secret; keep a copy of it apart from the database.")
    if kept is not None:
        typer.echo(f"{kept}: the old one; keep it as long as its rows, to erase patients by --pseudonym-file.")
