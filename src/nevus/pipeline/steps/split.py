"""split: groups are dealt to train, validation and test, and the test groups are fixed for ever."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from nevus.data.manifest import read_manifest
from nevus.data.splits import PARTS, make_split, split_fingerprint
from nevus.pipeline.settings import SplitSection
from nevus.pipeline.step import URI, Inputs, Outcome
from nevus.store import fix_test_groups, known_test_images, open_store

SPLIT = "split.parquet"
DRAWN_ANEW = "synthetic"
"""A cohort drawn with another seed reuses the names of images, so its test groups aren't remembered."""


def run(settings: SplitSection, inputs: Inputs, output: URI) -> Outcome:
    """Deal the groups; images that the store knows as test stay test."""
    manifest = read_manifest(Path(inputs["manifest"]))
    datasets = [d for d in manifest["dataset"].unique().sort().to_list() if d != DRAWN_ANEW]
    with open_store(settings.store) as store:
        fixed = known_test_images(store, datasets) if datasets else set()
        table, warnings = make_split(manifest, settings.split, fixed_test=fixed, task=settings.task)
        fingerprint = split_fingerprint(table)
        test = table.filter(pl.col("split") == "test").join(manifest.select("image_id", "dataset"), on="image_id")
        for dataset in datasets:
            rows = test.filter(pl.col("dataset") == dataset)
            groups = dict(zip(rows["image_id"], rows["group_id"], strict=True))
            fix_test_groups(store, dataset, groups, split_fingerprint=fingerprint)
    partial = Path(output) / (SPLIT + ".partial")
    table.write_parquet(partial)
    partial.replace(Path(output) / SPLIT)
    sizes = {
        part: {"images": rows.height, "groups": rows["group_id"].n_unique()}
        for part in PARTS
        for rows in [table.filter(pl.col("split") == part)]
    }
    summary = {"fingerprint": fingerprint, "parts": sizes, "kept_from_earlier_splits": len(fixed)}
    return Outcome(summary=summary, notices=tuple(warnings))
