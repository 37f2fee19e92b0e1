"""measure: a variant scored on validation and test as it ships, and held against the bundle of its run."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from nevus.bundle import bundle_digest, read_bundle_manifest
from nevus.pipeline.main_job import MAIN_JOB
from nevus.pipeline.parity import measure_parity
from nevus.pipeline.records import write_atomically
from nevus.pipeline.settings import EvaluateSection
from nevus.pipeline.step import URI, Inputs, Outcome
from nevus.pipeline.steps.evaluate import PREDICTIONS, headlines, measure
from nevus.pipeline.tables import read_split_manifest
from nevus.pipeline.variant_settings import MeasureSection, VariantSettings

PARITY = "parity.json"


def run(settings: MeasureSection, inputs: Inputs, output: URI) -> Outcome:
    """Open the test part once more, score, and compare with the run's own predictions."""
    folder, bundle = Path(output), Path(inputs["bundle"])
    rows = read_split_manifest(inputs["manifest"], inputs["split"])
    section = EvaluateSection(name=settings.name, evaluation=settings.evaluation, store=settings.store)
    results = measure(bundle, rows, folder, section)
    parity = measure_parity(
        pl.read_parquet(folder / PREDICTIONS),
        pl.read_parquet(inputs["reference"]),
        results.classes,
        _least_agreement(bundle, settings.variant),
    )
    write_atomically(folder / PARITY, parity.model_dump_json(indent=1) + "\n")
    return Outcome(summary={**headlines(results), "parity": parity.model_dump()})


def _least_agreement(bundle: Path, variant: VariantSettings) -> float | None:
    """What is asked of a bundle that was made from the run's; another model of the same split may differ."""
    origin = read_bundle_manifest(bundle).converted_from
    own = bundle_digest(variant.run / MAIN_JOB.output_path("package.bundle"))
    return variant.least_agreement if origin is not None and origin.digest == own else None
