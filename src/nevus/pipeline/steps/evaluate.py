"""evaluate: validation fixes what the bundle ships with; then the test part is opened, once, by that very bundle."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from nevus.bundle import bundle_digest, read_bundle_manifest, write_bundle
from nevus.bundle.directory import GRAPH
from nevus.data.identity import identities
from nevus.evaluation.evaluate import evaluate
from nevus.evaluation.results import Bootstrap, Provenance, write_results
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
    digest = bundle_digest(folder / EVALUATED)
    with open_store(settings.store) as store:
        openings = record_test_opening(
            store,
            identities(rows.filter(pl.col("split") == "test"))["identity"].to_list(),
            split_fingerprint=manifest.fingerprints.split or "unknown",
            bundle_digest=digest,
            run=str(folder),
        )
    judged = rows.filter(pl.col("split") != "train")
    table = score_images(folder / EVALUATED, judged, targets, _telling("validation and test"))
    partial = folder / (PREDICTIONS + ".partial")
    table.write_parquet(partial)
    partial.replace(folder / PREDICTIONS)
    shipped = fixed.manifest
    results = evaluate(
        as_predictions(table.filter(pl.col("split") == "test"), targets),
        validation=as_predictions(table.filter(pl.col("split") == "validation"), targets),
        operating_points=shipped.operating_points,
        default_operating_point=shipped.default_operating_point,
        set_threshold=shipped.prediction_set.threshold if shipped.prediction_set else None,
        set_coverage=settings.evaluation.coverage,
        ood_limit=shipped.refusal.ood_score,
        calibration=fixed.calibration,
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
    scores = results.subsets["test"].metrics
    headlines = {name: scores[name].model_dump() for name in HEADLINES if name in scores}
    return Outcome(summary={"test": headlines, "test_openings": openings, "temperature": shipped.temperature})


def _telling(what: str) -> Progress:
    return lambda done, total: tell(done, total, f"{what} images")
