"""evaluate: validation fixes what the bundle ships with; then the test part is opened, once, by that very bundle."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from nevus.bundle import bundle_digest, read_bundle_manifest, write_bundle
from nevus.bundle.directory import GRAPH
from nevus.data.identity import identities
from nevus.evaluation.evaluate import evaluate
from nevus.evaluation.results import TEST, Bootstrap, Calibration, EvaluationResults, Provenance, write_results
from nevus.pipeline.progress import tell
from nevus.pipeline.scoring import Progress, as_predictions, score_images
from nevus.pipeline.settings import EvaluateSection
from nevus.pipeline.step import URI, Inputs, Outcome
from nevus.pipeline.tables import part_sizes, read_split_manifest
from nevus.pipeline.thresholds import fix_on_validation
from nevus.store import open_store, record_test_opening
from nevus.training.targets import Targets

EVALUATED = "evaluated"
METRICS = "metrics.json"
PREDICTIONS = "predictions.parquet"
HEADLINES = ("balanced_accuracy", "accuracy", "malignant_auroc", "macro_auroc", "melanoma_recall", "ece")


def run(settings: EvaluateSection, inputs: Inputs, output: URI) -> Outcome:
    """Fix temperature, thresholds and limits on validation; score validation and test by the bundle with them."""
    from nevus.training.export import with_temperature  # brings torch, which a run that skips this step needn't load

    folder = Path(output)
    rows = read_split_manifest(inputs["manifest"], inputs["split"])
    draft = Path(inputs["draft"])
    manifest = read_bundle_manifest(draft)
    targets = Targets(manifest.task, manifest.classes, manifest.malignant)
    validation = score_images(draft, rows.filter(pl.col("split") == "validation"), targets, _telling("validation"))
    fixed = fix_on_validation(manifest, validation, targets, settings.evaluation)
    graph = with_temperature((draft / GRAPH).read_bytes(), fixed.manifest.temperature)
    write_bundle(folder / EVALUATED, fixed.manifest, graph)
    results = measure(folder / EVALUATED, rows, folder, settings, calibration=fixed.calibration)
    return Outcome(summary={**headlines(results), "temperature": fixed.manifest.temperature})


def measure(
    bundle: Path, rows: pl.DataFrame, folder: Path, settings: EvaluateSection, *, calibration: Calibration | None = None
) -> EvaluationResults:
    """Open the test part, and score validation and test by a bundle as it ships; nothing is fitted.

    Args:
        bundle: the bundle's directory.
        rows: the manifest with `split`.
        folder: where `metrics.json` and `predictions.parquet` go.
        settings: the name, how often to resample, and the store that counts the opening.
        calibration: what the temperature did, where it was fitted for this bundle.
    """
    shipped, digest = read_bundle_manifest(bundle), bundle_digest(bundle)
    targets = Targets(shipped.task, shipped.classes, shipped.malignant)
    with open_store(settings.store) as store:
        openings = record_test_opening(
            store,
            identities(rows.filter(pl.col("split") == "test"))["identity"].to_list(),
            split_fingerprint=shipped.fingerprints.split or "unknown",
            bundle_digest=digest,
            run=str(folder),
        )
    table = score_images(bundle, rows.filter(pl.col("split") != "train"), targets, _telling("validation and test"))
    partial = folder / (PREDICTIONS + ".partial")
    table.write_parquet(partial)
    partial.replace(folder / PREDICTIONS)
    sets = shipped.prediction_set
    results = evaluate(
        as_predictions(table.filter(pl.col("split") == "test"), targets),
        validation=as_predictions(table.filter(pl.col("split") == "validation"), targets),
        operating_points=shipped.operating_points,
        default_operating_point=shipped.default_operating_point,
        set_threshold=sets.threshold if sets else None,
        set_coverage=sets.coverage if sets else settings.evaluation.coverage,
        ood_limit=shipped.refusal.ood_score,
        calibration=calibration,
        bootstrap=Bootstrap(replicates=settings.evaluation.replicates, seed=settings.evaluation.seed),
        sizes=part_sizes(rows),
        test_openings=openings,
        provenance=Provenance(
            model=settings.name,
            bundle_digest=digest,
            content_fingerprint=shipped.fingerprints.content,
            split_fingerprint=shipped.fingerprints.split,
            settings_fingerprint=shipped.fingerprints.settings,
            code_revision=shipped.code_revision,
            runtime=f"{shipped.runtime.engine} {shipped.runtime.precision}",
            evaluated_at=datetime.now(UTC).replace(microsecond=0),
        ),
    )
    write_results(results, folder / METRICS)
    return results


def headlines(results: EvaluationResults) -> dict[str, Any]:
    """The few scores of the test part that are printed, and how often it was opened."""
    scores = results.subsets[TEST].metrics
    found = {name: scores[name].model_dump() for name in HEADLINES if name in scores}
    return {"test": found, "test_openings": results.test_openings}


def _telling(what: str) -> Progress:
    return lambda done, total: tell(done, total, f"{what} images")
