"""`nevus data check`: every row and file of a dataset, judged."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nevus.cli.data.options import AsJson, Assignments, Config, Root, SourceOption, load_data_settings, print_json
from nevus.cli.local_path import local_path
from nevus.errors import EXIT_FAILED

if TYPE_CHECKING:
    from nevus.data.checks import CheckSummary

Out = Annotated[
    Path,
    typer.Option("--out", parser=local_path, help="The folder for the manifest and the rejected rows.", metavar="DIR"),
]


def check(
    config: Config = None,
    *,
    source: SourceOption = None,
    root: Root = None,
    assignments: Assignments = None,
    out: Out = Path("checked"),
    as_json: AsJson = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 if any row is rejected.")] = False,
) -> None:
    """Check a dataset: read every row and file, and say row by row what can't be used.

    Leaves rejected.parquet (with the reason), files.parquet and check.json in the folder, and, where the rest can be
    used, manifest.parquet. Exit code 1 if more rows are rejected than data.check.max_rejected_share allows.

    Example: `nevus data check --source ham10000 --root HAM10000 --out checked`
    """
    from nevus.cli.data.progress import shown_progress
    from nevus.data.checks import check_manifest, require_usable
    from nevus.data.checks.result import REJECTED
    from nevus.data.ingest import ingest
    from nevus.data.manifest import write_manifest

    tree = load_data_settings(config, source, root, assignments)
    with shown_progress("images drawn") as drawn:
        table = ingest(tree.data, out / "synthetic", drawn)
    with shown_progress("files checked") as checked:
        result = check_manifest(table, tree.data.check, checked, classes=tree.data.classes)
    result.write(out, manifest=None)
    if as_json:
        print_json(result.summary.model_dump(mode="json") | {"out": str(out)})
    else:
        _print_summary(result.summary, out)
    require_usable(result, task=tree.task, rejected_at=str(out / REJECTED))
    write_manifest(result.accepted, out / "manifest.parquet")
    if not as_json:
        typer.echo(f"{out}/manifest.parquet")
    if strict and result.summary.rejected:
        raise typer.Exit(EXIT_FAILED)


def _print_summary(summary: CheckSummary, out: Path) -> None:
    from rich.console import Console
    from rich.table import Table

    from nevus.data.checks import TEXTS
    from nevus.taxonomy import class_name

    console = Console(highlight=False)
    classes = Table(title=f"{summary.accepted:,} images in {summary.groups:,} groups", title_justify="left")
    for heading in ("diagnosis", "images", "lesions"):
        classes.add_column(heading, justify="left" if heading == "diagnosis" else "right")
    for code, images in summary.classes.items():
        classes.add_row(f"{code}  {class_name(code)}", f"{images:,}", f"{summary.lesions[code]:,}")
    console.print(classes)
    console.print(
        f"rejected: {summary.rejected:,} of {summary.images:,} rows ({summary.rejected_share:.1%}; allowed are "
        f"{summary.max_rejected_share:.1%})"
    )
    for reason, count in summary.reasons.items():
        console.print(f"  {count:6,}  {TEXTS.get(reason, reason)}")  # type: ignore[call-overload]
    for warning in summary.warnings:
        console.print(f"[yellow]note:[/yellow] {warning}")
    console.print(f"checked in {summary.seconds:.1f} s; {out}/rejected.parquet says what was set aside, row by row")
