"""register: the bundle enters the registry, as candidate or as rejected, with the reasons."""

from __future__ import annotations

import json
import logging
from pathlib import Path

from nevus.errors import NevusError
from nevus.evaluation.gate import GateVerdict
from nevus.evaluation.results import read_results
from nevus.notices import Event, open_notices
from nevus.pipeline.settings import RegisterSection
from nevus.pipeline.step import URI, Inputs, Outcome
from nevus.store import Registry, State, open_store, resolve_home
from nevus.store.registry.from_bundle import describe_bundle
from nevus.tracking import mirror_registry

REGISTERED = "registered.json"
_log = logging.getLogger("nevus.pipeline")


def run(settings: RegisterSection, inputs: Inputs, output: URI) -> Outcome:
    """Register the bundle (the same one stays one version) and mirror the states."""
    folder = Path(output)
    verdict = GateVerdict.model_validate_json(Path(inputs["verdict"]).read_text())
    new = describe_bundle(
        Path(inputs["bundle"]),
        verdict=verdict,
        results=read_results(Path(inputs["metrics"])),
        model=settings.name,
        run=str(folder),
        predictions_uri=inputs["predictions"],
    )
    notices: list[str] = []
    with open_store(settings.store) as store:
        registered = Registry(store).register(new)
        notices += registered.warnings
        try:
            mirror_registry(settings.tracking, store=store, home=resolve_home(settings.store.home))
        except NevusError as error:
            _log.warning("%s", error)
            notices.append(f"MLflow's mirror is behind: {error}")
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
