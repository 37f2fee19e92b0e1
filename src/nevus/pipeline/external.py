"""A bundle judged on a dataset of its own: an external test, at the thresholds that it ships with."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from nevus.bundle import bundle_digest, read_bundle_manifest
from nevus.data.checks import check_manifest, require_usable
from nevus.data.ingest import ingest
from nevus.data.manifest import content_fingerprint
from nevus.evaluation.evaluate import evaluate
from nevus.evaluation.results import Bootstrap, EvaluationResults, OperatingPoint, Provenance, write_results
from nevus.pipeline.progress import tell
from nevus.pipeline.scoring import as_predictions, score_images
from nevus.pipeline.settings import RunSettings
from nevus.training.targets import Targets


def evaluate_external(tree: RunSettings, bundle: Path, output: Path) -> EvaluationResults:
    """Read and check the dataset, predict every image, score, and write `metrics.json` and `predictions.parquet`.

    Args:
        tree: its sections `data` and `evaluation`.
        bundle: the bundle's directory.
        output: where the results go.
    """
    manifest = read_bundle_manifest(bundle)
    targets = Targets(manifest.task, manifest.classes, manifest.malignant)
    output.mkdir(parents=True, exist_ok=True)
    table = ingest(tree.data, output / "synthetic", lambda done, total: tell(done, total, "images"))
    checked = check_manifest(table, tree.data.check, lambda done, total: tell(done, total, "files"))
    checked.write(output / "checks")
    require_usable(checked, task=manifest.task)
    rows = checked.accepted.with_columns(pl.lit("test").alias("split"))
    predictions = score_images(bundle, rows, targets, lambda done, total: tell(done, total, "images"))
    predictions.write_parquet(output / "predictions.parquet")
    results = evaluate(
        as_predictions(predictions, targets),
        operating_points=[OperatingPoint.model_validate(p.model_dump()) for p in manifest.operating_points],
        default_operating_point=manifest.default_operating_point,
        set_threshold=manifest.prediction_set.threshold if manifest.prediction_set else None,
        set_coverage=manifest.prediction_set.coverage if manifest.prediction_set else 0.9,
        ood_limit=manifest.refusal.ood_score,
        bootstrap=Bootstrap(replicates=tree.evaluation.replicates, seed=tree.evaluation.seed),
        provenance=Provenance(
            model=manifest.name,
            bundle_digest=bundle_digest(bundle),
            content_fingerprint=content_fingerprint(rows),
            code_revision=manifest.code_revision,
            runtime=f"{manifest.runtime.engine} {manifest.runtime.precision}",
        ),
    )
    write_results(results, output / "metrics.json")
    return results
