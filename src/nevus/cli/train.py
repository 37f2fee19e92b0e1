"""`nevus train`: the main job up to the trained network."""

from __future__ import annotations

import typer

from nevus.cli.run import AsJson, Assignments, Config, Out, execute

app = typer.Typer(add_completion=False, rich_markup_mode="markdown")
STEPS = ["ingest", "check", "split", "prepare", "train"]


@app.command("train")
def train(config: Config, *, out: Out, assignments: Assignments = None, as_json: AsJson = False) -> None:
    """Run the steps up to train; `nevus run` into the same folder goes on from there.

    Example: `nevus train configs/demo.yaml --out runs/demo`
    """
    execute(config, out, assignments or [], only=STEPS, as_json=as_json)
