"""check: every row and file is judged; what can't be used is set aside with its reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl

from nevus.data.checks import check_manifest, require_usable
from nevus.data.duplicates.published import published_pairs
from nevus.data.groups import assign_groups
from nevus.data.manifest import SCHEMA, content_fingerprint, read_manifest
from nevus.pipeline.progress import tell
from nevus.pipeline.settings import CheckSection
from nevus.pipeline.step import URI, Inputs, Outcome

MANIFEST = "manifest.parquet"
CHECKS = "checks"


def run(settings: CheckSection, inputs: Inputs, output: URI) -> Outcome:
    """Check the rows and files; groups are joined through confirmed duplicates."""
    folder = Path(output)
    table = read_manifest(Path(inputs["manifest"]))
    result = check_manifest(
        table,
        settings.data.check,
        lambda done, total: tell(done, total, "files"),
        classes=settings.data.classes,
    )
    pairs = [pair for dataset in result.accepted["dataset"].unique() for pair in published_pairs(dataset)]
    result = replace(result, accepted=join_duplicates(result.accepted, pairs))
    result.write(folder / CHECKS, manifest=f"../{MANIFEST}")
    require_usable(result, task=settings.task, rejected_at=f"{CHECKS}/rejected.parquet")
    summary = {
        "images": result.accepted.height,
        "rejected": result.rejected.height,
        "groups": result.accepted["group_id"].n_unique(),
        "content_fingerprint": content_fingerprint(result.accepted),
    }
    return Outcome(summary=summary, notices=tuple(result.warnings))


def join_duplicates(manifest: pl.DataFrame, pairs: Sequence[tuple[str, str]]) -> pl.DataFrame:
    """The manifest with the groups of duplicate images made one."""
    present = set(manifest["image_id"])
    known = [pair for pair in pairs if present.issuperset(pair)]
    return assign_groups(manifest, known).select(list(SCHEMA)).sort("dataset", "image_id")
