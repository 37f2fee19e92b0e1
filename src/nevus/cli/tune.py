"""`nevus tune`: search for good settings, on validation only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import typer

from nevus.cli.run import AsJson, Assignments, Config, Out

app = typer.Typer(add_completion=False, rich_markup_mode="markdown")


@app.command("tune")
def tune(config: Config, *, out: Out, assignments: Assignments = None, as_json: AsJson = False) -> None:
    """Search the settings named in the section `tuning`; run again into the same folder to go on.

    The objective and the floors are validation metrics; the test part isn't read. The best settings are written to
    `found.yaml`, ready for `nevus run`.

    Example: `nevus tune configs/demo.yaml --out runs/tuning --set tuning.trials=10`
    """
    from nevus.cli.run_display import RunDisplay
    from nevus.pipeline.tune import FOUND
    from nevus.pipeline.tune import tune as search

    display = RunDisplay()

    def told(number: int, values: Mapping[str, Any], best: Mapping[str, Any] | None) -> None:
        named = ", ".join(f"{key.rpartition('.')[2]} {_short(value)}" for key, value in values.items())
        reached = "" if best is None else f" -> {best['validation_balanced_accuracy']:.3f} balanced accuracy"
        typer.echo(f"trial {number}: {named}{reached}", err=True)

    try:
        found = search(config, assignments or [], out, display, told)
    finally:
        display.close()
    if as_json:
        typer.echo(json.dumps(asdict(found)))
        return
    kind = "the best that keeps every floor" if found.feasible else "none keeps every floor; the nearest"
    typer.echo(
        f"{found.trials} trials finished, {found.pruned} pruned; {kind}: trial {found.number}, {found.score:.4f}"
    )
    for key, value in found.values.items():
        typer.echo(f"  {key}: {_short(value)}")
    typer.echo(f"Next: nevus run {out / FOUND}")


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
