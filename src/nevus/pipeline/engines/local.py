"""The local engine: one step after the other, in this process, into a local folder."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel

from nevus.errors import InputError
from nevus.pipeline.disk import full_disk_stops
from nevus.pipeline.engines.base import Engine, Event, EventKind, Listener, RunResult, deaf
from nevus.pipeline.execute import MissingInputError, Status, StepResult, execute
from nevus.pipeline.lock import folder_lock
from nevus.pipeline.progress import listening
from nevus.pipeline.records import read_record
from nevus.pipeline.run_settings import claim_folder, release_folder
from nevus.pipeline.step import URI, Pipeline, StepSpec

_ENDS: Mapping[Status, EventKind] = {"done": "finished", "skipped": "skipped", "left_out": "left_out"}


class OutputAddressError(InputError):
    """The local engine can't write there."""


class LocalEngine(Engine):
    """Runs the steps here and now."""

    name: ClassVar[str] = "local"

    def run(
        self,
        pipeline: Pipeline,
        tree: BaseModel,
        output: URI,
        *,
        only: Collection[str] | None = None,
        force: Collection[str] = (),
        listener: Listener = deaf,
    ) -> RunResult:
        """See `Engine.run`. The folder is locked from the first check to the last record."""
        folder = _local(output)
        steps = pipeline.ordered(only)
        forced = {pipeline.step(name).name for name in force}
        outputs = [path for step in pipeline.steps for path in step.outputs.values()]
        results: list[StepResult] = []
        with (
            full_disk_stops(folder, "the start of the run"),
            folder_lock(folder, lambda text: listener(Event("notice", text=text))),
        ):
            for text in claim_folder(folder, tree, neutral=pipeline.neutral, outputs=outputs):
                listener(Event("notice", text=f"instead of a setting that was refused: {text}"))
            places = [_Place(step.name, number, len(steps), listener) for number, step in enumerate(steps, start=1)]
            _preflight(pipeline, tree, folder, list(zip(steps, places, strict=True)), forced)
            for step, place in zip(steps, places, strict=True):
                with _refusal_releases(pipeline, step, folder):
                    results.append(_bring_to_end(pipeline, tree, folder, place, force=step.name in forced))
        return RunResult(output=str(folder), steps=tuple(results))


class _Place:
    """One step's place in the run, and how it makes itself heard."""

    def __init__(self, step: str, number: int, of: int, listener: Listener) -> None:
        self.step, self._number, self._of, self._listener = step, number, of, listener

    def starting(self, reason: str) -> None:
        self._listener(Event("started", self.step, self._number, self._of, text=reason))

    def notice(self, text: str) -> None:
        self._listener(Event("notice", self.step, self._number, self._of, text=text))

    def progress(self, done: int, total: int | None, what: str) -> None:
        self._listener(Event("progress", self.step, self._number, self._of, text=what, done=done, total=total))

    def failed(self, error: BaseException) -> None:
        self._listener(Event("failed", self.step, self._number, self._of, text=str(error) or type(error).__name__))

    def ended(self, result: StepResult) -> None:
        kind = _ENDS[result.status]
        self._listener(Event(kind, self.step, self._number, self._of, text=result.reason, result=result))


@contextmanager
def _refusal_releases(pipeline: Pipeline, step: StepSpec, folder: Path) -> Iterator[None]:
    """A run that gets no further for what the user gave doesn't bind its folder; one that had been further does."""
    try:
        yield
    except MissingInputError:  # steps called out of order say nothing about the settings
        raise
    except InputError:
        order = pipeline.ordered()
        if all(read_record(folder, later.name) is None for later in order[order.index(step) :]):
            with suppress(OSError):
                release_folder(folder)
        raise


def _preflight(
    pipeline: Pipeline, tree: BaseModel, folder: Path, places: list[tuple[StepSpec, _Place]], forced: Collection[str]
) -> None:
    """Refuse now what would else be refused after hours of work; only of steps that are going to run."""
    running = False
    for step, place in places:
        running = running or step.name in forced or read_record(folder, step.name) is None
        if not running or step.preflight is None:
            continue
        with _refusal_releases(pipeline, step, folder):
            try:
                step.preflight(step.settings(tree))
            except BaseException as error:
                place.failed(error)
                raise


def _bring_to_end(pipeline: Pipeline, tree: BaseModel, folder: Path, place: _Place, *, force: bool) -> StepResult:
    try:
        with listening(place.progress):
            result = execute(
                pipeline,
                place.step,
                tree,
                folder,
                force=force,
                starting=place.starting,
                notice=place.notice,
            )
    except BaseException as error:
        place.failed(error)
        raise
    if result.status == "done" and result.record is not None:
        for text in result.record.notices:
            place.notice(text)
    place.ended(result)
    return result


def _local(output: URI) -> Path:
    if "://" in output:
        raise OutputAddressError(
            f"the local engine writes to a local folder, not to {output}. Name a folder with --out."
        )
    path = Path(output).expanduser().resolve()
    if path.exists() and not path.is_dir():
        raise OutputAddressError(f"{output} is a file; --out needs a folder.")
    return path
