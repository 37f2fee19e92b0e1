"""gate: the policy's verdict on the bundle, line by line, and the report that shows it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from nevus.errors import NevusError
from nevus.evaluation.comparison import Comparison
from nevus.evaluation.gate import judge
from nevus.evaluation.policy import Policy, load_policy
from nevus.evaluation.results import Bootstrap, read_results
from nevus.notices import Event, open_notices
from nevus.pipeline.masking import is_secret, masked
from nevus.pipeline.parity import Parity, with_parity
from nevus.pipeline.report_context import gather
from nevus.pipeline.run_settings import FILE as SETTINGS
from nevus.pipeline.settings import GateSection
from nevus.pipeline.step import URI, Inputs, Outcome
from nevus.pipeline.tables import read_split_manifest
from nevus.reporting.report import write_report
from nevus.store import ModelVersion, Registry, open_store
from nevus.store.registry.comparison import compare_versions

VERDICT = "gate.json"
REPORT = "report.html"


def run(settings: GateSection, inputs: Inputs, output: URI) -> Outcome:
    """Judge, write the report, and tell people where the gate says no."""
    folder = Path(output)
    bundle = Path(inputs["bundle"])
    results = read_results(Path(inputs["metrics"]))
    predictions = pl.read_parquet(inputs["predictions"])
    rows = read_split_manifest(inputs["manifest"], inputs["split"])
    policy, champion = load_policy(settings.gate.policy), _champion(settings)
    candidate = Candidate(settings.name, results.task, results.classes, results.malignant, inputs["predictions"])
    comparison, problem = compare_with(champion, candidate, policy, settings)
    verdict = judge(
        policy, results, comparison, comparison_problem=problem, champion=champion.ref if champion else None
    )
    if "parity" in inputs:
        verdict = with_parity(verdict, Parity.model_validate_json(Path(inputs["parity"]).read_text()))
    _write(folder / VERDICT, verdict.model_dump_json(indent=1))
    context = gather(
        bundle=bundle,
        results=results,
        rows=rows,
        checks=Path(inputs["checks"]),
        history=Path(inputs["history"]),
        duplicates=Path(inputs["duplicates"]),
        predictions=predictions,
        gate=verdict,
        settings=_settings_of(folder),
        run=folder,
    )
    partial = folder / (REPORT + ".partial")
    write_report(context, partial)
    partial.replace(folder / REPORT)
    failures = [f"{line.rule}: {line.explanation}" for line in verdict.failures]
    if failures:
        body = f"{settings.name} was rejected by policy {verdict.policy}:\n" + "\n".join(failures)
        open_notices(settings.notices).notify(Event.GATE_FAILED, f"nevus: the gate rejected {settings.name}", body)
    lines = [{"rule": line.rule, "passed": line.passed, "explanation": line.explanation} for line in verdict.lines]
    return Outcome(passed=verdict.passed, summary={"policy": verdict.policy, "lines": lines})


def preflight(settings: GateSection) -> None:
    """Refuse a policy or an address for notices that can't be used."""
    load_policy(settings.gate.policy)
    open_notices(settings.notices)


def champion_and_policy(settings: GateSection) -> Mapping[str, str]:
    """What decides the verdict from outside: the policy's rules and the present champion."""
    policy = load_policy(settings.gate.policy)
    champion = _champion(settings)
    return {"policy": policy.model_dump_json(), "champion": champion.bundle_digest if champion else "none"}


def _champion(settings: GateSection) -> ModelVersion | None:
    with open_store(settings.store) as store:
        return Registry(store).champion(settings.name)


@dataclass(frozen=True)
class Candidate:
    """What is judged, as the registry's comparison takes a version."""

    ref: str
    task: str
    classes: tuple[str, ...]
    malignant: tuple[str, ...]
    predictions_uri: str
    operating_threshold: float | None = None


def compare_with(
    champion: ModelVersion | None, candidate: Candidate, policy: Policy, settings: GateSection
) -> tuple[Comparison | None, str | None]:
    """The comparison by the metrics that the policy's rules about the champion ask for, or why there is none."""
    metrics = sorted({rule.metric for rule in policy.rules if rule.champion_margin is not None})
    if champion is None or not metrics:
        return None, None
    bootstrap = Bootstrap(replicates=settings.evaluation.replicates, seed=settings.evaluation.seed)
    try:
        return compare_versions(candidate, champion, metrics=metrics, bootstrap=bootstrap).scores, None
    except (OSError, NevusError) as error:
        return None, str(error)


def _settings_of(folder: Path) -> dict[str, Any] | None:
    """The settings that the run was started with, as the engine keeps them."""
    try:
        kept: dict[str, Any] = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))["settings"]
    except (OSError, ValueError, KeyError):
        return None
    return {key: masked(value) for key, value in kept.items() if not is_secret(key)}


def _write(path: Path, text: str) -> None:
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text + "\n")
    partial.replace(path)
