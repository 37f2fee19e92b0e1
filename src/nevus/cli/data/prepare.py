"""`nevus data prepare`: a manifest's images, decoded and resized once."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Literal

import typer

from nevus.cli.data.options import AsJson, Manifest, print_json


def prepare(
    manifest: Manifest,
    *,
    out: Annotated[str, typer.Option("--out", help="A folder, or s3://bucket/prefix.", metavar="DIR")] = "prepared",
    short_side: Annotated[int, typer.Option(min=16, max=4096, help="Pixels of the shorter side.")] = 288,
    encoding: Annotated[
        Literal["jpeg", "raw"], typer.Option(help="raw: exact pixels, about eight times the room.")
    ] = "jpeg",
    workers: Annotated[int, typer.Option(min=0, help="Threads; 0 for one a usable CPU.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Decode and resize a manifest's images once, into shards of Arrow that training reads at random.

    The same command again goes on after the last whole shard. A run does this by itself, in its step prepare.

    Example: `nevus data prepare checked/manifest.parquet --out s3://bucket/prepared --short-side 225`
    """
    from nevus.cli.data.progress import shown_progress
    from nevus.data.manifest import read_manifest
    from nevus.data.prepare import PrepareSettings
    from nevus.data.prepare import prepare as write_shards

    settings = PrepareSettings(short_side=short_side, encoding=encoding, workers=workers)
    with shown_progress("images") as shown:
        done = write_shards(read_manifest(manifest), settings, out, shown)
    if as_json:
        print_json(asdict(done))
        return
    kept = f", of which {done.kept} were there" if done.kept else ""
    typer.echo(f"{done.uri}: {done.images:,} images in {done.shards} shards{kept}, {done.bytes / 1e6:,.1f} MB")
