"""package: the bundle that was evaluated, with its metrics, its card and its profile, sealed."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from nevus.bundle import Predictor, read_bundle_manifest, write_bundle
from nevus.bundle.directory import GRAPH, further_files
from nevus.evaluation.results import read_results
from nevus.pipeline.profile import reference_profile
from nevus.pipeline.report_context import gather
from nevus.pipeline.settings import PackageSection
from nevus.pipeline.step import URI, Inputs, Outcome
from nevus.pipeline.tables import read_split_manifest
from nevus.reporting.card import write_card

BUNDLE = "bundle"


def run(settings: PackageSection, inputs: Inputs, output: URI) -> Outcome:  # noqa: ARG001 - a step's signature
    """Write the bundle and load it as a server would: checksums and self-test."""
    folder = Path(output)
    evaluated = Path(inputs["evaluated"])
    results = read_results(Path(inputs["metrics"]))
    predictions = pl.read_parquet(inputs["predictions"])
    context = gather(
        bundle=evaluated,
        results=results,
        rows=read_split_manifest(inputs["manifest"], inputs["split"]),
        checks=Path(inputs["checks"]),
        history=Path(inputs["history"]),
        duplicates=Path(inputs["duplicates"]),
        predictions=predictions,
        shipped=False,
    )
    card = folder / ".card.md.partial"
    write_card(context, card)
    files = {
        **further_files(evaluated),
        "metrics.json": Path(inputs["metrics"]).read_bytes(),
        "profile.parquet": reference_profile(predictions),
        "card.md": card.read_bytes(),
    }
    card.unlink()
    digest = write_bundle(folder / BUNDLE, read_bundle_manifest(evaluated), evaluated / GRAPH, files=files)
    with Predictor(folder / BUNDLE, threads=1):
        pass
    return Outcome(summary={"digest": digest})
