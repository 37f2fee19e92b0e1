"""From a finished bundle, its evaluation and the gate's verdict to what is registered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nevus.bundle.directory import bundle_digest, read_bundle_manifest
from nevus.bundle.schema import BundleManifest
from nevus.bundle.verdict import default_operating_point
from nevus.evaluation.gate import GateVerdict
from nevus.evaluation.results import TEST, EvaluationResults
from nevus.store.registry.version import NewVersion

SUMMARY = ("balanced_accuracy", "malignant_auroc", "melanoma_recall", "macro_auroc", "ece")
"""The few scores of the test part that stand beside a version; `metrics.json` in its bundle has them all."""


def describe_bundle(
    directory: Path,
    *,
    verdict: GateVerdict,
    results: EvaluationResults | None = None,
    model: str | None = None,
    bundle_uri: str | None = None,
    run: str | None = None,
    tracking_run: str | None = None,
    predictions_uri: str | None = None,
) -> NewVersion:
    """What `Registry.register` takes, read from the bundle itself.

    Args:
        directory: the bundle, as it ships.
        verdict: what the gate says of it; each line that it failed is a reason.
        results: the evaluation of this bundle; its test scores are the summary.
        model: the name to register under; the bundle's own by default.
        bundle_uri: where the bundle will be found; the directory's absolute path by default.
        run, tracking_run, predictions_uri: as in `NewVersion`.

    Raises:
        BundleError: the directory is no bundle.
    """
    manifest = read_bundle_manifest(directory)
    return NewVersion(
        model=model or manifest.name,
        bundle_uri=bundle_uri or str(directory.absolute()),
        bundle_digest=bundle_digest(directory),
        task=manifest.task,
        classes=manifest.classes,
        malignant=tuple(code for code in manifest.classes if code in manifest.malignant),
        gate=verdict.model_dump(mode="json"),
        gate_passed=verdict.passed,
        reasons=tuple(f"{line.rule}: {line.explanation}" for line in verdict.failures),
        metrics=summary(results) if results else {},
        operating_threshold=_threshold(manifest),
        licence=manifest.licence,
        commercial_use=manifest.commercial_use,
        fingerprints=manifest.fingerprints.model_dump(),
        run=run,
        tracking_run=tracking_run,
        predictions_uri=predictions_uri,
    )


def summary(results: EvaluationResults) -> dict[str, Any]:
    """Name -> {value, low, high} of the test part, with sensitivity and specificity at the default operating point."""
    scores = results.subsets.get(TEST)
    if scores is None:
        return {}
    found = {name: scores.metrics[name].model_dump() for name in SUMMARY if name in scores.metrics}
    point = scores.at(results.default_operating_point) if results.default_operating_point else None
    if point is not None:
        found["malignant_sensitivity"] = point.sensitivity.model_dump()
        found["malignant_specificity"] = point.specificity.model_dump()
    return found


def _threshold(manifest: BundleManifest) -> float | None:
    point = default_operating_point(manifest)
    return point.threshold if point else None
