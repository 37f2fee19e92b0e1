"""ingest: the datasets' own tables and folders become one manifest."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
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


def datasets_as_they_lie(settings: IngestSection) -> Mapping[str, str]:
    """A fingerprint of each local dataset's tree: names, sizes and times of its files, not their contents."""
    found = {}
    for dataset in settings.data.each():
        if dataset.root is None or "://" in dataset.root:
            continue
        digest = hashlib.sha256()
        root = Path(dataset.root)
        for path in sorted(root.rglob("*")) if root.is_dir() else []:
            if path.is_file():
                stat = path.stat()
                digest.update(f"{path.relative_to(root)}\x1f{stat.st_size}\x1f{stat.st_mtime_ns}\x1e".encode())
        found[dataset.root] = digest.hexdigest()
    return found
