"""register: the bundle enters the registry, as candidate or as rejected, with the reasons."""

from __future__ import annotations

import json
import logging
from pathlib import Path

from nevus.bundle.directory import bundle_digest
from nevus.errors import NevusError
from nevus.evaluation.gate import GateVerdict
from nevus.evaluation.results import EvaluationResults, read_results
from nevus.notices import Event, open_notices
from nevus.pipeline.settings import RegisterSection
from nevus.pipeline.step import URI, Inputs, Outcome
from nevus.store import Registry, State, open_store, resolve_home
from nevus.store.registry.from_bundle import describe_bundle, summary
from nevus.tracking import mirror_registry, open_tracker

REGISTERED = "registered.json"
SHOWN = ("bundle.json", "card.md", "SHA256SUMS")
"""Files of the bundle that go to the tracker; the bundle itself stays where it is."""
_log = logging.getLogger("nevus.pipeline")


def run(settings: RegisterSection, inputs: Inputs, output: URI) -> Outcome:
    """Register the bundle (the same one stays one version), and let the tracker know of it and of all states."""
    folder = Path(output)
    verdict = GateVerdict.model_validate_json(Path(inputs["verdict"]).read_text())
    results = read_results(Path(inputs["metrics"]))
    notices: list[str] = []
    try:
        tracking_run = _track(settings, inputs, folder, results, verdict)
    except NevusError as error:
        tracking_run = None
        _tell(f"the tracker lacks the results: {error}", notices)
    new = describe_bundle(
        Path(inputs["bundle"]),
        verdict=verdict,
        results=results,
        model=settings.name,
        run=str(folder),
        tracking_run=tracking_run,
        predictions_uri=inputs["predictions"],
    )
    with open_store(settings.store) as store:
        registered = Registry(store).register(new)
        notices += registered.warnings
        try:
            mirror_registry(settings.tracking, store=store, home=resolve_home(settings.store.home))
        except NevusError as error:
            _tell(f"MLflow's mirror is behind: {error}", notices)
    version = registered.version
    record = {"version": version.ref, "state": version.state.value, "digest": version.bundle_digest}
    partial = folder / (REGISTERED + ".partial")
    partial.write_text(json.dumps(record, indent=1) + "\n")
    partial.replace(folder / REGISTERED)
    # Also where a kill came between registering and this, or another policy has moved the version since.
    if version.state is State.CANDIDATE:
        title = f"nevus: {version.ref} passed the gate and waits for approval"
        body = f"Look at its report, then: nevus models approve {version.ref} --by NAME --note TEXT"
        open_notices(settings.notices).notify(Event.CANDIDATE, title, body)
    return Outcome(summary=record, notices=tuple(notices))


def preflight(settings: RegisterSection) -> None:
    """Refuse an address for notices that can't be used."""
    open_notices(settings.notices)


def _track(
    settings: RegisterSection, inputs: Inputs, folder: Path, results: EvaluationResults, verdict: GateVerdict
) -> str | None:
    """Add to the run of the training what came of it: results, report, card; the run's id.

    Raises:
        NevusError: the tracker can't be used.
    """
    bundle = Path(inputs["bundle"])
    tracker = open_tracker(settings.tracking, output=folder, store=settings.store)
    passed = {"nevus.bundle_digest": bundle_digest(bundle), "nevus.gate": "passed" if verdict.passed else "failed"}
    tracker.start(settings.name, settings={}, tags=passed)
    tracker.log_metrics({f"test_{name}": figure["value"] for name, figure in summary(results).items()})
    for path in (Path(inputs["metrics"]), Path(inputs["verdict"]), *(bundle / name for name in SHOWN)):
        tracker.log_artefact(path)
    tracker.log_artefact(Path(inputs["report"]), shows_images=True)
    tracker.finish()
    return tracker.run_id


def _tell(text: str, notices: list[str]) -> None:
    _log.warning("%s", text)
    notices.append(text)
