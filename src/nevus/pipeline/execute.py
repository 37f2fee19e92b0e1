"""One step in one output folder: skipped if it's done, else run on clean ground and recorded last."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel

from nevus.errors import InputError, NevusError
from nevus.pipeline.artefacts import Artefact, describe, problem_with
from nevus.pipeline.disk import full_disk_stops
from nevus.pipeline.masking import masked
from nevus.pipeline.records import (
    Basis,
    CompletionRecord,
    mark_begun,
    read_record,
    remove_record,
    was_begun_on,
    write_record,
)
from nevus.pipeline.run_settings import without
from nevus.pipeline.step import Inputs, Outcome, Pipeline, StepSpec
from nevus.provenance import code_revision
from nevus.settings import fingerprint

Status = Literal["done", "skipped", "left_out"]
ABSENT = "absent"


class MissingInputError(InputError):
    """A step's input isn't there, or isn't what its step left."""


class StepContractError(NevusError):
    """A step broke its contract: a defect of the step, not of what the user gave."""


@dataclass(frozen=True)
class StepResult:
    """What became of a step: run to its end, already done, or left out because another step didn't pass."""

    step: str
    status: Status
    record: CompletionRecord | None
    reason: str

    @property
    def passed(self) -> bool:
        """Whether the step ran, now or before, and its outcome passed."""
        return self.record is not None and self.record.passed


def execute(
    pipeline: Pipeline,
    name: str,
    tree: BaseModel,
    output: Path,
    *,
    force: bool = False,
    starting: Callable[[str], None] = lambda _: None,
    notice: Callable[[str], None] = lambda _: None,
) -> StepResult:
    """Bring one step to its end in an output folder that the caller has locked and claimed.

    Skipped if its record has the same inputs, settings and external fingerprints and its artefacts are unchanged. A
    record by other code counts as done, and is said: whoever wants it made anew forces it.

    Args:
        pipeline: the steps.
        name: which.
        tree: the whole tree of settings.
        output: the output folder.
        force: run even if done.
        starting: hears why the step runs, just before it does.
        notice: hears what the user should know.

    Raises:
        MissingInputError: a step that it needs isn't done.
        StorageFullError: the disk filled up.
        StepContractError: the step didn't write what it declares.
    """
    step = pipeline.step(name)
    unmet = [other for other in sorted(step.only_if_passed) if not _needed_record(output, step, other).passed]
    if unmet:
        _clear(output, step)
        return StepResult(name, "left_out", None, f"{', '.join(unmet)} did not pass")
    section = step.settings(tree)
    basis = _basis(pipeline, step, section, tree, output)
    record = read_record(output, name)
    reason = "forced" if force else _why_not_done(output, record, basis)
    if reason is None and record is not None:
        if record.code_revision != code_revision():
            notice(f"{name} was made by nevus {record.code_revision} and is kept; this is {code_revision()}")
        return StepResult(name, "skipped", record, "done before")
    starting(reason or "")
    with full_disk_stops(output, f"step {name}"):
        return StepResult(name, "done", _run(pipeline, step, section, basis, output, force=force), reason or "")


def _run(
    pipeline: Pipeline, step: StepSpec, section: BaseModel, basis: Basis, output: Path, *, force: bool
) -> CompletionRecord:
    remove_record(output, step.name)
    _remove_leftovers(output, step)
    if force or not was_begun_on(output, step.name, basis):
        _clear(output, step)
        mark_begun(output, step.name, basis)
    inputs = _uris(pipeline, step, basis.inputs, output)
    started, clock = datetime.now(UTC), time.perf_counter()
    outcome = step.run(section, inputs, str(output))
    seconds = time.perf_counter() - clock
    record = CompletionRecord(
        step=step.name,
        basis=basis,
        basis_fingerprint=basis.fingerprint,
        settings_fingerprint=fingerprint(basis.settings),
        code_revision=code_revision(),
        passed=outcome.passed,
        summary=_plain(step, outcome),
        notices=outcome.notices,
        started_at=started,
        finished_at=datetime.now(UTC),
        seconds=round(seconds, 3),
        timings=dict(outcome.timings),
        artefacts=_artefacts(step, output),
    )
    write_record(output, record)
    return record


def _basis(pipeline: Pipeline, step: StepSpec, section: BaseModel, tree: BaseModel, output: Path) -> Basis:
    inputs = {}
    for name, source in step.inputs.items():
        producer, _, artefact_name = source.partition(".")
        artefact = _needed_record(output, step, producer).artefacts.get(artefact_name)
        inputs[name] = artefact.sha256 if artefact else ABSENT
    return Basis(
        step=step.name,
        inputs=inputs,
        external=dict(step.external(section, _uris(pipeline, step, inputs, output))) if step.external else {},
        settings=_section_settings(section, tree, pipeline.neutral),
    )


def _uris(pipeline: Pipeline, step: StepSpec, inputs: Mapping[str, str], output: Path) -> Inputs:
    """Where the inputs lie that there are, of those whose fingerprints are given."""
    return {
        name: str(output / pipeline.output_path(source))
        for name, source in step.inputs.items()
        if inputs[name] != ABSENT
    }


def _section_settings(section: BaseModel, tree: BaseModel, neutral: frozenset[str]) -> dict[str, Any]:
    """The section as plain JSON without passwords and neutral keys, which are named from the root of the tree."""
    prefix = _place(section, tree)
    return without(masked(section.model_dump(mode="json")), neutral, prefix)


def _place(section: BaseModel, tree: BaseModel, prefix: str = "") -> str:
    """Where in the tree a section stands: `data.split.`; empty for the root and for one made up for the step."""
    for name in type(tree).model_fields:
        value = getattr(tree, name)
        if value is section:
            return f"{prefix}{name}."
        if isinstance(value, BaseModel) and (found := _place(section, value, f"{prefix}{name}.")):
            return found
    return ""


def _needed_record(output: Path, step: StepSpec, producer: str) -> CompletionRecord:
    record = read_record(output, producer)
    problem = "it isn't done" if record is None else _first_problem(output, record)
    if record is None or problem:
        raise MissingInputError(
            f"step {step.name} needs step {producer}, but {problem} in {output}. Run `nevus step {producer}` first, or "
            "`nevus run`, which does what is missing."
        )
    return record


def _why_not_done(output: Path, record: CompletionRecord | None, basis: Basis) -> str | None:
    """Why a step must run, in words; None if it's done."""
    if record is None:
        return "resumed" if was_begun_on(output, basis.step, basis) else "not done yet"
    for what in ("inputs", "external", "settings"):
        old, new = getattr(record.basis, what), getattr(basis, what)
        changed = [key for key in {**old, **new} if old.get(key) != new.get(key)]
        if changed:
            return f"{what} changed: {', '.join(changed)}"
    return _first_problem(output, record)


def _first_problem(output: Path, record: CompletionRecord) -> str | None:
    return next((p for artefact in record.artefacts.values() if (p := problem_with(output, artefact))), None)


def _clear(output: Path, step: StepSpec) -> None:
    """Remove what the step left: from other inputs or settings, nothing may be mixed with what comes now."""
    remove_record(output, step.name)
    for path in (*step.outputs.values(), *step.scratch):
        place = output / path
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        else:
            place.unlink(missing_ok=True)


def _remove_leftovers(output: Path, step: StepSpec) -> None:
    """Remove what a killed writer of folders left beside them: it builds a folder under a hidden name of its own."""
    for path in step.outputs.values():
        place = output / path
        for leftover in place.parent.glob(f".{place.name}.*-*"):
            shutil.rmtree(leftover, ignore_errors=True)


def _artefacts(step: StepSpec, output: Path) -> dict[str, Artefact]:
    found = {}
    for name, path in step.outputs.items():
        if (output / path).exists():
            found[name] = describe(output, path)
        elif name not in step.optional:
            raise StepContractError(f"step {step.name} ended without writing its output {name} ({path}).")
    return found


def _plain(step: StepSpec, outcome: Outcome) -> dict[str, Any]:
    try:
        plain: dict[str, Any] = json.loads(json.dumps(dict(outcome.summary)))
    except (TypeError, ValueError) as error:
        raise StepContractError(f"the summary of step {step.name} is not plain JSON: {error}.") from error
    return plain
