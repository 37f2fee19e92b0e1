"""check: every row and file is judged, what can't be used is set aside with its reason, duplicates become one group."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import polars as pl

from nevus.data.checks import CheckResult, check_manifest, require_usable
from nevus.data.checks.result import REJECTED
from nevus.data.duplicates import (
    DuplicateSettings,
    Search,
    find_exact,
    find_near,
    find_published,
    image_pairs,
    pair_table,
    write_contact_sheet,
    write_pairs,
)
from nevus.data.groups import assign_groups
from nevus.data.manifest import SCHEMA, content_fingerprint, read_manifest, write_manifest
from nevus.data.pixels import ManifestPixels
from nevus.pipeline.progress import tell
from nevus.pipeline.settings import CheckSection
from nevus.pipeline.step import URI, Inputs, Outcome

MANIFEST = "manifest.parquet"
CHECKS = "checks"
DUPLICATES = "duplicates.parquet"
SHEET = "duplicates"


def run(settings: CheckSection, inputs: Inputs, output: URI) -> Outcome:
    """Check the rows and files; groups are joined through confirmed duplicates, which a contact sheet shows."""
    folder = Path(output)
    table = read_manifest(Path(inputs["manifest"]))
    result = check_manifest(
        table,
        settings.data.check,
        lambda done, total: tell(done, total, "files"),
        classes=settings.data.classes,
    )
    result.write(folder / CHECKS, manifest=None)  # the reasons, whatever becomes of the rest
    rejected_at = str(folder / CHECKS / REJECTED)
    require_usable(result, task=settings.task, rejected_at=rejected_at)
    pairs = find_duplicates(result, settings.duplicates)
    joined = join_duplicates(result.accepted, pairs)
    require_usable(replace(result, accepted=joined), task=settings.task, rejected_at=rejected_at)
    write_manifest(joined, folder / MANIFEST)
    rows = result.accepted
    write_contact_sheet(
        pairs, rows, ManifestPixels(rows), folder / SHEET, short_side=settings.duplicates.search.short_side
    )
    write_pairs(pairs, folder / DUPLICATES, searched(settings.duplicates))
    summary = {
        "images": joined.height,
        "rejected": result.rejected.height,
        "groups": joined["group_id"].n_unique(),
        "duplicate_pairs": _counts(pairs),
        "content_fingerprint": content_fingerprint(joined),
    }
    return Outcome(summary=summary, notices=tuple(result.warnings))


def searched(settings: DuplicateSettings) -> list[Search]:
    """The kinds of duplicates that the settings ask for."""
    asked: dict[Search, bool] = {"published": settings.published, "exact": settings.exact, "near": settings.near}
    return [kind for kind, wanted in asked.items() if wanted]


def find_duplicates(result: CheckResult, settings: DuplicateSettings) -> pl.DataFrame:
    """The table of pairs, of every kind that the settings ask for, across and within groups."""
    rows = result.accepted
    found = [find_published(rows)] if settings.published else []
    if settings.exact:
        found.append(find_exact(result.files))
    if settings.near:
        found.append(find_near(rows, ManifestPixels(rows), settings.search, progress=lambda s, d, n: tell(d, n, s)))
    return pl.concat(found) if found else pair_table([])


def join_duplicates(manifest: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """The manifest with the groups of duplicate images made one."""
    return assign_groups(manifest, image_pairs(pairs)).select(list(SCHEMA)).sort("dataset", "image_id")


def _counts(pairs: pl.DataFrame) -> Mapping[str, int]:
    return dict(pairs.group_by("kind").agg(pl.len()).sort("kind").iter_rows())
