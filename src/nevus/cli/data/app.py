"""The group `nevus data`; one command a file."""

from __future__ import annotations

import typer

from nevus.cli.data.check import check
from nevus.cli.data.describe import describe
from nevus.cli.data.duplicates import duplicates
from nevus.cli.data.fetch import fetch
from nevus.cli.data.prepare import prepare
from nevus.cli.data.sources import sources
from nevus.cli.data.split import split
from nevus.cli.data.synth import synth

app = typer.Typer(
    name="data",
    help="Fetch, draw, check, describe, split and prepare image data.\n\n"
    "Example: `nevus data check --source ham10000 --root HAM10000 --out checked`",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
)
for command in (check, describe, split, duplicates, prepare, fetch, synth, sources):
    app.command(command.__name__)(command)
