"""`nevus step NAME`: one step of the pipeline."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nevus.cli.run import AsJson, Assignments, Out, Strict, execute

app = typer.Typer(add_completion=False, rich_markup_mode="markdown")


@app.command("step")
def step(
    name: Annotated[
        str, typer.Argument(help="ingest, check, split, prepare, train, evaluate, package, gate or register.")
    ],
    config: Annotated[
        Path | None, typer.Option("--config", help="The settings, a YAML file; the folder's own by default.")
    ] = None,
    *,
    out: Out = Path("runs/latest"),
    assignments: Assignments = None,
    force: Annotated[bool, typer.Option("--force", help="Run it even if it is done.")] = False,
    as_json: AsJson = False,
    strict: Strict = False,
) -> None:
    """Run one step into an output folder in which the steps before it are done.

    Example: `nevus step split --config configs/demo.yaml --out runs/demo`
    """
    from nevus.pipeline.main_job import MAIN_JOB

    MAIN_JOB.step(name)
    execute(config, out, assignments or [], only=[name], force=[name] if force else [], as_json=as_json, strict=strict)
