"""ingest: the datasets' own tables and folders become one manifest."""

from __future__ import annotations

from pathlib import Path

from nevus.data.ingest import ingest
from nevus.data.manifest import write_manifest
from nevus.data.sources.files import find_root
from nevus.pipeline.progress import tell
from nevus.pipeline.settings import IngestSection
from nevus.pipeline.step import URI, Inputs, Outcome

MANIFEST = "ingested.parquet"
DRAWN = "synthetic"


def run(settings: IngestSection, inputs: Inputs, output: URI) -> Outcome:  # noqa: ARG001 - a step's signature
    """Read every dataset; a synthetic one is drawn into the output folder."""
    folder = Path(output)
    table = ingest(settings.data, folder / DRAWN, lambda done, total: tell(done, total, "images"))
    write_manifest(table, folder / MANIFEST)
    summary = {"images": table.height, "datasets": sorted(table["dataset"].unique().to_list())}
    return Outcome(summary=summary)


def preflight(settings: IngestSection) -> None:
    """Refuse a dataset that isn't there."""
    for dataset in settings.data.each():
        if dataset.source != "synthetic":
            find_root(dataset)
