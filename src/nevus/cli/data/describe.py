"""`nevus data describe`: a page that shows what the data are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nevus.cli.data.options import AsJson, Manifest, print_json
from nevus.cli.local_path import local_path
from nevus.errors import InputError

if TYPE_CHECKING:
    import polars as pl

Beside = "  [default: the one beside the manifest, if any]"


def describe(
    manifest: Manifest,
    *,
    out: Annotated[Path, typer.Option("--out", parser=local_path, help="The page.", metavar="FILE")] = Path(
        "data.html"
    ),
    split: Annotated[Path | None, typer.Option(help="A split, for the proof against leakage." + Beside)] = None,
    duplicates: Annotated[Path | None, typer.Option(help="Confirmed pairs of duplicates." + Beside)] = None,
    rejected: Annotated[Path | None, typer.Option(help="The rows that the check rejected." + Beside)] = None,
    as_json: AsJson = False,
) -> None:
    """Write a page (one HTML file) about a manifest: counts, sizes, samples, duplicates, proof against leakage.

    It embeds images: keep it where the images themselves may be kept.

    Example: `nevus data describe checked/manifest.parquet --out checked/data.html`
    """
    from nevus.data.manifest import read_manifest
    from nevus.data.pixels import ManifestPixels
    from nevus.reporting.describe import describe as write

    table = read_manifest(manifest)
    read, rows = ManifestPixels(table), {image_id: row for row, image_id in enumerate(table["image_id"])}
    beside = {
        "split": _table(split, manifest, "split.parquet"),
        "duplicates": _table(duplicates, manifest, "duplicates.parquet"),
        "rejected": _table(rejected, manifest, "rejected.parquet"),
    }
    write(
        table,
        split=beside["split"],
        duplicates=beside["duplicates"],
        rejected=beside["rejected"],
        read_pixels=lambda image_id: read(rows[image_id]),
        output_html=out,
    )
    if as_json:
        shown = [name for name, found in beside.items() if found is not None]
        print_json({"page": str(out), "images": table.height, "with": shown})
        return
    typer.echo(f"{out}: {table.height:,} images. It embeds some of them, so it is patient data as they are.")


def _table(named: Path | None, manifest: Path, usual: str) -> pl.DataFrame | None:
    import polars as pl

    path = named or manifest.with_name(usual)
    if named is None and not path.is_file():
        return None
    try:
        return pl.read_parquet(path)
    except FileNotFoundError:
        raise InputError(f"there is no file {path}.") from None
    except pl.exceptions.PolarsError as error:
        raise InputError(f"{path} is not a readable Parquet file: {error}") from error
