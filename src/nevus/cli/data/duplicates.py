"""`nevus data duplicates`: images of one lesion that pass for those of two."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nevus.cli.data.options import AsJson, Manifest, print_json
from nevus.cli.local_path import local_path

if TYPE_CHECKING:
    import polars as pl


def duplicates(
    manifest: Manifest,
    *,
    out: Annotated[
        Path,
        typer.Option(
            "--out", parser=local_path, help="The folder for pairs, sheet and joined manifest.", metavar="DIR"
        ),
    ] = Path("duplicates"),
    near: Annotated[
        bool | None,
        typer.Option("--near/--no-near", help="Look for near-duplicates too (minutes) [default: as in a run]."),
    ] = None,
    published: Annotated[bool, typer.Option(help="Use the lists that others have published.")] = True,
    as_json: AsJson = False,
) -> None:
    """Find exact, near and published duplicates, show them on a contact sheet, and join their groups.

    Leaves duplicates.parquet, duplicates.html (it embeds images) and manifest.parquet, whose groups are joined.

    Example: `nevus data duplicates checked/manifest.parquet --out checked/duplicates`
    """
    from nevus.cli.data.progress import shown_progress
    from nevus.data.duplicates import (
        DuplicateSettings,
        NearDuplicateSettings,
        find_exact,
        find_near,
        find_published,
        image_pairs,
        pair_table,
        write_contact_sheet,
    )
    from nevus.data.groups import assign_groups
    from nevus.data.manifest import SCHEMA, read_manifest, write_manifest
    from nevus.data.pixels import ManifestPixels

    table = read_manifest(manifest)
    read = ManifestPixels(table)
    settings = NearDuplicateSettings()
    found = [find_exact(_digests(table, manifest))]
    if published:
        found.append(find_published(table))
    with shown_progress("images") as shown:
        if DuplicateSettings().near if near is None else near:
            found.append(find_near(table, read, settings, progress=lambda what, n, of: shown(n, of, what)))
    pairs = pair_table(row for part in found for row in part.iter_rows(named=True))
    joined = assign_groups(table, image_pairs(pairs)).select(list(SCHEMA))
    out.mkdir(parents=True, exist_ok=True)
    sheet = write_contact_sheet(pairs, table, read, out, short_side=settings.short_side)
    partial = out / "duplicates.parquet.partial"
    pairs.write_parquet(partial)
    partial.replace(out / "duplicates.parquet")
    write_manifest(joined, out / "manifest.parquet")
    counts = dict(pairs["kind"].value_counts().sort("kind").iter_rows())
    before, after = table["group_id"].n_unique(), joined["group_id"].n_unique()
    summary = {"out": str(out), "pairs": counts, "groups": {"before": before, "after": after}, "sheet": str(sheet[0])}
    if as_json:
        print_json(summary)
        return
    said = ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in counts.items()) or "none"
    typer.echo(f"pairs: {said}. {before:,} groups became {after:,}.")
    typer.echo(f"{sheet[0]} shows them (it embeds images); {out}/manifest.parquet has the joined groups.")


def _digests(table: pl.DataFrame, manifest: Path) -> pl.DataFrame:
    """The manifest with the pixels' digests, where the check has left them beside it."""
    import polars as pl

    beside = manifest.with_name("files.parquet")
    if not beside.is_file():
        return table
    files = pl.read_parquet(beside, columns=["dataset", "image_id", "pixel_sha256"])
    return table.join(files, on=["dataset", "image_id"], how="left", maintain_order="left")
