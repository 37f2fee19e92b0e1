"""`nevus bundle`: verify, convert and import model bundles."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from nevus.cli.bundle_import import import_model

if TYPE_CHECKING:
    from nevus.bundle.selftest import SelfTestReport

app = typer.Typer(
    help="Verify, convert and import model bundles.\n\nExample: `nevus bundle verify out/bundle`",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)
app.command("import")(import_model)

_AGREE = 1e-4
"""Largest deviation of a probability at which two engines count as giving the same."""

Directory = Annotated[Path, typer.Argument(metavar="DIR", help="The bundle's directory.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def verify(directory: Directory, *, as_json: AsJson = False) -> None:
    """Check a bundle: every file against its checksum, and its engine against the recorded outputs.

    Example: `nevus bundle verify out/bundle`
    """
    from nevus.bundle.directory import GRAPH, read_bundle_manifest, verify_checksums
    from nevus.bundle.errors import SelfTestError
    from nevus.bundle.runtimes import load_runtime
    from nevus.bundle.selftest import run_selftest

    digest = verify_checksums(directory)
    manifest = read_bundle_manifest(directory)
    runtime = load_runtime(directory / GRAPH, manifest.runtime)
    report = run_selftest(runtime, directory)
    facts: dict[str, Any] = {
        "bundle": str(directory),
        "name": manifest.name,
        "digest": digest,
        "engine": runtime.engine,
        "precision": runtime.precision,
        "passed": report.passed,
        "deviations": report.deviations,
        "tolerances": report.tolerances,
    }
    if as_json:
        typer.echo(json.dumps(facts))
    else:
        _print_selftest(facts, report)
    if not report.passed:
        raise SelfTestError(f"{directory}: {runtime.engine} does not reproduce the self-test: {report.failures()}.")


@app.command()
def convert(
    directory: Directory,
    *,
    to: Annotated[Literal["onnxruntime", "openvino"], typer.Option(help="The engine.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the new bundle goes.")],
    precision: Annotated[Literal["fp32", "bf16", "int8"], typer.Option(help="What it computes in.")] = "fp32",
    calibration: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Images like those of later use; int8 needs at least 20.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write a variant of a bundle for another engine or precision, and say how far its answers are from the original's.

    Example: `nevus bundle convert out/bundle --to onnxruntime --precision int8 --calibration images/ --out out/int8`
    """
    from nevus.bundle.conversion import convert_bundle
    from nevus.bundle.schema import RuntimeSpec
    from nevus.cli.image_paths import find_images

    images = find_images([calibration]) if calibration else []
    report = convert_bundle(
        directory,
        out,
        RuntimeSpec(engine=to, precision=precision),
        images=images,
        progress=lambda what: typer.echo(f"{what} ...", err=True),
    )
    facts = {
        "bundle": str(out),
        "digest": report.digest,
        "engine": to,
        "precision": precision,
        "calibration_images": report.calibration_images,
        "compared_images": report.deviation.images,
        "synthetic": not images,
        "deviations": report.deviation.outputs,
        "same_diagnosis": report.deviation.same_diagnosis,
        "same_verdict": report.deviation.same_verdict,
    }
    if as_json:
        typer.echo(json.dumps(facts))
    else:
        _print_conversion(facts)


def _print_selftest(facts: dict[str, Any], report: SelfTestReport) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("output", "largest deviation", "tolerated", "")
    for name, value in report.deviations.items():
        held = value <= report.tolerances[name]
        mark = "[green]ok[/]" if held else "[bold red]too far[/]"
        table.add_row(name, f"{value:.2g}", f"{report.tolerances[name]:.2g}", mark)
    console = Console()
    console.print(table)
    console.print(f"{facts['name']}, digest {facts['digest']}", highlight=False, soft_wrap=True)
    if report.passed:
        console.print(f"whole, and reproduced by {facts['engine']} ({facts['precision']})", style="green")


def _print_conversion(facts: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("output", "largest deviation from the original")
    for name, value in facts["deviations"].items():
        table.add_row(name, f"{value:.3g}" + ("" if name == "probabilities" else " of its largest value"))
    console = Console()
    console.print(table)
    kind = "synthetic images of the self-test" if facts["synthetic"] else "images"
    console.print(
        f"on {facts['compared_images']} {kind}: same diagnosis {facts['same_diagnosis']:.1%}, "
        f"same verdict {facts['same_verdict']:.1%}",
        highlight=False,
    )
    console.print(f"{facts['bundle']}, digest {facts['digest']}", highlight=False, soft_wrap=True)
    if not facts["deviations"]["probabilities"] <= _AGREE:
        console.print("Its scores are not those of the original: evaluate it before use.", style="bold")
