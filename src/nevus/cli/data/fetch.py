"""`nevus data fetch`: bring a public dataset."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from nevus.cli.data.options import AsJson, print_json
from nevus.cli.local_path import local_path


def fetch(
    name: Annotated[str, typer.Argument(help="ham10000, isic2019, isic2020, bcn20000 or isic2024.", metavar="NAME")],
    *,
    out: Annotated[
        Path | None,
        typer.Option("--out", parser=local_path, help="The folder to fill [default: data/NAME].", metavar="DIR"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Fetch a public dataset through its official client (isic-cli; Kaggle's for ISIC 2024), and verify it.

    The same command again continues where it was. Without network it says what to get by hand and where to put it. Mind
    the licences: most of these datasets are for non-commercial use, and so is a model trained on them.

    Example: `nevus data fetch ham10000 --out data/ham10000`
    """
    from nevus.cli.data.progress import shown_progress
    from nevus.data.fetch import fetch as bring

    with shown_progress("images") as shown:
        fetched = bring(name, out or Path("data") / name, shown)
    if as_json:
        print_json(asdict(fetched))
        return
    was = "was there already and is" if fetched.already else "has come and is"
    typer.echo(f"{fetched.name} {was} whole: {fetched.images:,} images in {fetched.folder}")
    if fetched.note:
        typer.echo(f"note: {fetched.note}", err=True)
    typer.echo(f"Next: nevus data check --source {fetched.source} --root {fetched.folder}")
