"""From model versions and loaded bundles to the JSON that callers see."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nevus.api import Decision, ModelDetail
from nevus.api import ModelVersion as VersionAnswer
from nevus.bundle import BundleManifest
from nevus.bundle.directory import METRICS
from nevus.evaluation.results import ResultsError, read_results
from nevus.serving.lineup import Lineup, LoadedModel
from nevus.store import AuditEntry, ModelVersion
from nevus.store.registry.from_bundle import summary

_DECISIONS = "model."


def version_answer(lineup: Lineup, version: ModelVersion) -> VersionAnswer:
    """A version as the API shows it; the lineup says what is loaded in this process."""
    return VersionAnswer(**_shown(lineup, version))


def version_detail(lineup: Lineup, version: ModelVersion, history: Sequence[AuditEntry]) -> ModelDetail:
    """The same with what the version was made of, and what the audit has of it."""
    return ModelDetail(
        **_shown(lineup, version),
        fingerprints=dict(version.fingerprints),
        classes=list(version.classes),
        malignant=list(version.malignant),
        task=version.task,
        history=[_decision(entry) for entry in history if entry.action.startswith(_DECISIONS)],
    )


def unregistered_detail(model: LoadedModel) -> ModelDetail:
    """A bundle that answers without being in the registry."""
    found: BundleManifest = model.predictor.manifest
    return ModelDetail(
        ref=model.ref,
        model=model.name,
        may_answer=True,
        loaded=True,
        serving=True,
        bundle_digest=model.digest,
        created_at=found.created_at,
        metrics=_own_metrics(model),
        licence=found.licence,
        commercial_use=found.commercial_use,
        fingerprints=found.fingerprints.model_dump(),
        classes=list(found.classes),
        malignant=list(found.malignant),
        task=found.task,
    )


def _decision(entry: AuditEntry) -> Decision:
    return Decision(
        at=entry.at,
        by=entry.actor,
        decision=entry.action.removeprefix(_DECISIONS),
        state=entry.details.get("to"),
        note=entry.details.get("note") or None,
    )


def _own_metrics(model: LoadedModel) -> dict[str, Any]:
    """The few scores of the bundle's own `metrics.json`; none where it brings none that can be read."""
    try:
        return summary(read_results(model.predictor.path / METRICS))
    except ResultsError:
        return {}


def _shown(lineup: Lineup, version: ModelVersion) -> dict[str, Any]:
    champion = lineup.champion
    approval = version.approval
    return {
        "ref": version.ref,
        "model": version.model,
        "number": version.number,
        "state": version.state.value,
        "may_answer": version.may_answer,
        "loaded": version.bundle_digest in {model.digest for model in lineup.all},
        "serving": champion is not None and champion.digest == version.bundle_digest,
        "bundle_digest": version.bundle_digest,
        "created_at": version.created_at,
        "metrics": dict(version.metrics),
        "gate": dict(version.gate),
        "gate_passed": version.gate_passed,
        "reasons": list(version.reasons),
        "licence": version.licence,
        "commercial_use": version.commercial_use,
        "approved_by": approval.by if approval else None,
        "approved_at": approval.at if approval else None,
        "approval_note": approval.note if approval else None,
        "override_reason": approval.override if approval else None,
    }
