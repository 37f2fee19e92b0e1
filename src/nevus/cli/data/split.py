"""`nevus data split`: which group is for training, validation and test."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nevus.cli.data.options import AsJson, Manifest, print_json
from nevus.cli.local_path import local_path
from nevus.taxonomy import Task

if TYPE_CHECKING:
    import polars as pl

    from nevus.data.splits import SplitSettings

Out = Annotated[
    Path, typer.Option("--out", parser=local_path, help="The split's file; its test groups stay test.", metavar="FILE")
]

_KIND = "nevus.split"
"""Key of the file's own metadata."""


def split(
    manifest: Manifest,
    *,
    out: Out = Path("split.parquet"),
    seed: Annotated[int, typer.Option(help="Deals the groups.")] = 0,
    validation: Annotated[float, typer.Option(help="Share of the groups.")] = 0.15,
    test: Annotated[float, typer.Option(help="Share of the groups.")] = 0.15,
    folds: Annotated[int, typer.Option(min=0, help="Folds over training and validation; 0 for none.")] = 0,
    held_out_source: Annotated[
        str | None, typer.Option(help="Test on this source alone, and on all of it.", metavar="SOURCE")
    ] = None,
    task: Annotated[
        Task, typer.Option(help="Whose classes are dealt alike: of the diagnosis, or malignant and benign.")
    ] = "diagnosis",
    as_json: AsJson = False,
) -> None:
    """Split a manifest by group (patient, else lesion), each class in about the same shares.

    Where the file exists already, its test groups stay test, whatever the seed. The split's fingerprint is printed, and
    what a random split by image would have leaked.

    Example: `nevus data split checked/manifest.parquet --out checked/split.parquet --seed 0`
    """
    import polars as pl
    from pydantic import ValidationError

    from nevus.data.manifest import read_manifest
    from nevus.data.splits import SplitSettings, leakage_of_random_split, make_split, split_fingerprint
    from nevus.errors import InputError

    try:
        settings = SplitSettings(
            seed=seed,
            validation=validation,
            test=test,
            folds=folds,
            strategy="leave_one_source_out" if held_out_source else "grouped",
            held_out_source=held_out_source,
        )
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        option = (
            "--" + "-".join(str(part) for part in first["loc"]).replace("_", "-") if first["loc"] else "the options"
        )
        raise InputError(f"{option}: {first['msg']}.") from None
    table = read_manifest(manifest)
    fixed = _test_images(out, settings)
    dealt, warnings = make_split(table, settings, fixed_test=fixed, task=task)
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.with_name(out.name + ".partial")
    dealt.write_parquet(partial, metadata={_KIND: _kind(settings)})
    partial.replace(out)
    joined = dealt.join(table.select("image_id", "diagnosis"), on="image_id")
    counts = joined.group_by("diagnosis", "split").agg(pl.len().alias("images")).sort("diagnosis", "split")
    summary: dict[str, Any] = {
        "out": str(out),
        "fingerprint": split_fingerprint(dealt),
        "images": dict(dealt["split"].value_counts().sort("split").iter_rows()),
        "groups": dict(dealt.group_by("split").agg(pl.col("group_id").n_unique()).sort("split").iter_rows()),
        "classes": counts.to_dicts(),
        "kept_in_test": len(fixed),
        "random_split_by_image": leakage_of_random_split(table, test=test, seed=seed),
        "warnings": warnings,
    }
    if as_json:
        print_json(summary)
    else:
        _print(summary)


def _kind(settings: SplitSettings) -> str:
    """What a file must be of for its test groups to stay test: a held-out source is tested on in its own file only."""
    return f"tests on {settings.held_out_source} alone" if settings.held_out_source else "deals all sources alike"


def _test_images(path: Path, settings: SplitSettings) -> list[str]:
    """The test images of a split that was made before."""
    import polars as pl

    from nevus.data.splits import SplitError

    if not path.exists():
        return []
    try:
        before: pl.DataFrame = pl.read_parquet(path, columns=["image_id", "split"])
        kind = pl.read_parquet_metadata(path).get(_KIND, _kind(settings))
    except pl.exceptions.PolarsError as error:
        raise SplitError(f"{path} is there already and is no split ({error}); name another file with --out.") from error
    if kind != _kind(settings):
        raise SplitError(
            f"{path} holds a split that {kind}, and this one {_kind(settings)}; the test part of the one can't stay "
            "that of the other. Name another file with --out."
        )
    return before.filter(pl.col("split") == "test")["image_id"].to_list()


def _print(summary: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    from nevus.data.splits import PARTS

    console = Console(highlight=False)
    table = Table(title="Images of each class", title_justify="left")
    table.add_column("diagnosis")
    counts = {(row["diagnosis"], row["split"]): row["images"] for row in summary["classes"]}
    for part in PARTS:
        table.add_column(part, justify="right")
    for code in sorted({row["diagnosis"] for row in summary["classes"]}):
        table.add_row(code, *(f"{counts.get((code, part), 0):,}" for part in PARTS))
    for what in ("images", "groups"):
        table.add_row(f"[bold]{what}[/bold]", *(f"{summary[what].get(part, 0):,}" for part in PARTS))
    console.print(table)
    leaked = summary["random_split_by_image"]
    console.print(
        f"No group stands on two sides. A random split by image would have trained on the group of "
        f"{leaked['leaked_share']:.1%} of its test images ({leaked['leaked_share_malignant']:.1%} of the malignant)."
    )
    if summary["kept_in_test"]:
        console.print(f"{summary['kept_in_test']:,} images were test before, and their groups still are.")
    for warning in summary["warnings"]:
        console.print(f"[yellow]note:[/yellow] {warning}")
    console.print(f"{summary['out']}  fingerprint {summary['fingerprint']}")
