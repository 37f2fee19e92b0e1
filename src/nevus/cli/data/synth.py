"""`nevus data synth`: draw a cohort."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from nevus.cli.data.options import AsJson, print_json
from nevus.cli.local_path import local_path


def synth(
    *,
    out: Annotated[Path, typer.Option("--out", parser=local_path, help="The folder to draw into.", metavar="DIR")],
    lesions: Annotated[int, typer.Option(min=1, help="How many lesions.")] = 1200,
    seed: Annotated[int, typer.Option(min=0, help="The same seed draws the same.")] = 0,
    width: Annotated[int, typer.Option(min=64, max=1024, help="Pixels.")] = 160,
    height: Annotated[int, typer.Option(min=64, max=1024, help="Pixels.")] = 120,
    difficulty: Annotated[float, typer.Option(min=0, max=1, help="0: clear; 1: faint and misleading.")] = 0.35,
    as_json: AsJson = False,
) -> None:
    """Draw dermoscopy-like images of seven diagnoses, with patients, lesions and a table; needs no download.

    The same command again continues where it was.

    Example: `nevus data synth --out drawn --lesions 300`
    """
    from nevus.cli.data.progress import shown_progress
    from nevus.data.synthetic import SyntheticSettings, generate

    settings = SyntheticSettings(lesions=lesions, seed=seed, width=width, height=height, difficulty=difficulty)
    with shown_progress("images drawn") as shown:
        table = generate(settings, out, shown)
    counts = dict(table["diagnosis"].value_counts().sort("diagnosis").iter_rows())
    summary: dict[str, Any] = {
        "out": str(out),
        "images": table.height,
        "lesions": table["lesion_id"].n_unique(),
        "patients": table["patient_id"].n_unique(),
        "diagnoses": counts,
    }
    if as_json:
        print_json(summary)
        return
    typer.echo(
        f"{table.height:,} images of {summary['lesions']:,} lesions of {summary['patients']:,} patients in {out}: "
        + ", ".join(f"{code} {count:,}" for code, count in counts.items())
    )
    typer.echo(f"Next: nevus data check --source table --root {out} --set data.columns.uri=file --out {out}-checked")
