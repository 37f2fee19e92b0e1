"""The root of the command line."""

from __future__ import annotations

import warnings
from typing import Annotated

import typer

from nevus import __version__
from nevus.cli.lazy_group import LazyGroup

app = typer.Typer(
    name="nevus",
    cls=LazyGroup,
    help="From a folder of skin-lesion images to a proven, registered model. Decision support, not a diagnosis.\n\n"
    "Example: `nevus run configs/demo.yaml`, then `nevus predict IMAGE --bundle OUT/bundle`.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"nevus {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line; the console script `nevus`."""
    warnings.filterwarnings("ignore", module=r"PIL\.")  # of odd files: what matters of them is in the answers
    app()
