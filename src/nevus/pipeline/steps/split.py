"""split: groups are dealt to train, validation and test, and the test groups are fixed for ever."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from nevus.data.identity import identities
from nevus.data.manifest import read_manifest
from nevus.data.splits import PARTS, make_split, split_fingerprint
from nevus.pipeline.settings import SplitSection
from nevus.pipeline.step import URI, Inputs, Outcome
from nevus.store import fix_test_groups, known_test_images, open_store

SPLIT = "split.parquet"


def run(settings: SplitSection, inputs: Inputs, output: URI) -> Outcome:
    """Deal the groups; images that the store knows as test stay test.

    A source that is held out is a question asked besides: it isn't remembered, or there would be nothing left to learn
    from it in any later run.
    """
    manifest = read_manifest(Path(inputs["manifest"]))
    named = identities(manifest)
    with open_store(settings.store) as store:
        known = known_test_images(store)
        fixed = set(named.filter(pl.col("identity").is_in(list(known)))["image_id"])
        table, warnings = make_split(manifest, settings.split, fixed_test=fixed, task=settings.task)
        fingerprint = split_fingerprint(table)
        if settings.split.strategy == "grouped":
            test = named.join(table.filter(pl.col("split") == "test"), on="image_id", how="semi")
            groups = dict(zip(test["identity"], test["group_id"], strict=True))
            fix_test_groups(store, groups, split_fingerprint=fingerprint)
    partial = Path(output) / (SPLIT + ".partial")
    table.write_parquet(partial)
    partial.replace(Path(output) / SPLIT)
    sizes = {
        part: {"images": rows.height, "groups": rows["group_id"].n_unique()}
        for part in PARTS
        for rows in [table.filter(pl.col("split") == part)]
    }
    summary = {"fingerprint": fingerprint, "parts": sizes, "kept_from_earlier_splits": len(fixed)}
    summary["set_aside"] = manifest.height - table.height
    return Outcome(summary=summary, notices=tuple(warnings))
