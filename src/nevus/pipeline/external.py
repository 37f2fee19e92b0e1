"""A bundle judged on a dataset of its own: an external test, at the thresholds that it ships with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl

from nevus.bundle import bundle_digest, read_bundle_manifest
from nevus.bundle.directory import MANIFEST
from nevus.bundle.schema import BundleManifest
from nevus.bundle.verdict import default_operating_point
from nevus.data.checks import check_manifest, require_accepted
from nevus.data.checks.result import REJECTED
from nevus.data.ingest import ingest
from nevus.data.manifest import content_fingerprint
from nevus.errors import InputError
from nevus.evaluation.evaluate import evaluate
from nevus.evaluation.results import Bootstrap, EvaluationResults, Provenance, write_results
from nevus.pipeline.disk import full_disk_stops
from nevus.pipeline.lock import folder_lock
from nevus.pipeline.progress import tell
from nevus.pipeline.records import FOLDER as RECORDS
from nevus.pipeline.scoring import as_predictions, score_images
from nevus.pipeline.settings import RunSettings
from nevus.pipeline.steps.check import CHECKS
from nevus.pipeline.steps.evaluate import METRICS, PREDICTIONS
from nevus.training.targets import Targets


class NotForResultsError(InputError):
    """The output folder belongs to something whose files the results would overwrite."""


def evaluate_external(
    tree: RunSettings, bundle: Path, output: Path, notice: Callable[[str], None] = lambda _: None
) -> EvaluationResults:
    """Read and check the dataset, predict every image, score, and write `metrics.json` and `predictions.parquet`.

    Args:
        tree: its sections `data` and `evaluation`.
        bundle: the bundle's directory.
        output: where the results go; those of an earlier evaluation are replaced once the new ones are whole.
        notice: hears what the user should know.

    Raises:
        NotForResultsError: the folder is a run's or a bundle's.
        FolderLockedError: somebody else writes there.
        NevusError: the bundle or the dataset can't be used.
    """
    manifest = read_bundle_manifest(bundle)
    for mark, whose in ((RECORDS, "a run"), (MANIFEST, "a bundle")):
        if (output / mark).exists():
            raise NotForResultsError(
                f"{output} is the folder of {whose}, whose own results would be overwritten. Name another with --out."
            )
    with folder_lock(output, notice), full_disk_stops(output, "the evaluation"):
        return _evaluate(tree, bundle, manifest, output, notice)


def _evaluate(
    tree: RunSettings, bundle: Path, manifest: BundleManifest, output: Path, notice: Callable[[str], None]
) -> EvaluationResults:
    targets = Targets(manifest.task, manifest.classes, manifest.malignant)
    table = ingest(tree.data, output / "synthetic", lambda done, total: tell(done, total, "images"))
    checked = check_manifest(table, tree.data.check, lambda done, total: tell(done, total, "files"))
    checked.write(output / CHECKS)
    require_accepted(checked, rejected_at=str(output / CHECKS / REJECTED))
    rows = checked.accepted.with_columns(pl.lit("test").alias("split"))
    _warn_of_known_data(manifest, rows, notice)
    predictions = score_images(bundle, rows, targets, lambda done, total: tell(done, total, "images"))
    default = default_operating_point(manifest)
    results = evaluate(
        as_predictions(predictions, targets),
        operating_points=manifest.operating_points,
        default_operating_point=default.name if default else None,
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
    partial = output / (PREDICTIONS + ".partial")
    predictions.write_parquet(partial)
    (output / METRICS).unlink(missing_ok=True)  # a kill in between leaves no figures of other predictions
    partial.replace(output / PREDICTIONS)
    write_results(results, output / METRICS)
    return results


def _warn_of_known_data(manifest: BundleManifest, rows: pl.DataFrame, notice: Callable[[str], None]) -> None:
    """Images that a model has learnt from flatter it."""
    shared = sorted(set(manifest.data.datasets) & set(rows["dataset"]))
    if content_fingerprint(rows) == manifest.fingerprints.content:
        notice("these are the data that the bundle was made from: it has learnt most of them, so this is no test of it")
    elif shared:
        notice(
            f"the bundle was made from {', '.join(shared)} too; if these are the same images, it has learnt most of "
            "them, and the figures flatter it"
        )
