"""`nevus evaluate`: judge a bundle on a dataset that had no part in it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nevus.cli.local_path import local_path
from nevus.cli.run import AsJson, Assignments, Config

app = typer.Typer(add_completion=False, rich_markup_mode="markdown")


@app.command("evaluate")
def evaluate(
    config: Config,
    *,
    bundle: Annotated[Path, typer.Option("--bundle", help="The bundle's directory.", metavar="DIR")],
    out: Annotated[
        Path,
        typer.Option("--out", parser=local_path, help="Where metrics.json and predictions.parquet go.", metavar="DIR"),
    ],
    assignments: Assignments = None,
    as_json: AsJson = False,
) -> None:
    """Check the dataset of a configuration, predict all of it with the bundle as it ships, and score it.

    Thresholds, temperature and limits are the bundle's; nothing is fitted. Images that the bundle was trained on
    flatter it, so name a dataset that had no part in it.

    Example: `nevus evaluate configs/isic2019.yaml --bundle runs/ham10000/bundle --out runs/external`
    """
    from nevus.cli.run_display import RunDisplay, summarise
    from nevus.pipeline.engines import Event
    from nevus.pipeline.external import evaluate_external
    from nevus.pipeline.loading import load_settings
    from nevus.pipeline.progress import listening
    from nevus.pipeline.settings import RunSettings

    display = RunDisplay()
    tree = load_settings(RunSettings, config, assignments or [])
    try:
        with listening(display.progress):
            results = evaluate_external(tree, bundle, out, lambda text: display(Event("notice", text=text)))
    finally:
        display.close()
    if as_json:
        typer.echo(results.to_json())
        return
    scores = results.subsets["test"].metrics
    shown = ("balanced_accuracy", "accuracy", "malignant_auroc", "macro_auroc", "melanoma_recall", "ece")
    summarise({"evaluate": {"test": {name: scores[name].model_dump() for name in shown if name in scores}}}, str(out))
