"""The contract of a step, and the pipeline that several of them make.

A step is a plain typed function. It knows no engine, no lock and no record:

    def split(settings: SplitSettings, inputs: Inputs, output: URI) -> Outcome:
        manifest = read_manifest(Path(inputs["manifest"]))
        table, warnings = make_split(manifest, settings)
        write_table(table, Path(output) / "split.parquet")      # to a temporary name, then renamed
        return Outcome(summary={"groups": 7470}, notices=tuple(warnings))

`output` is the output folder of the whole run; the step writes there what its `StepSpec` declares, and nothing else:

    SPLIT = StepSpec(
        name="split",
        run=split,
        settings=lambda tree: tree.split,
        inputs={"manifest": "check.manifest"},                  # what I call it -> whose output it is
        outputs={"split": "split.parquet"},                     # what it's called -> where it lies under the output
    )
    PIPELINE = Pipeline((INGEST, CHECK, SPLIT))

The same function runs under every engine and as `nevus step split`. What surrounds it (skip what is done, clear what is
stale, write the completion record last) is `nevus.pipeline.execute`. A step that is killed and started again with the
same inputs and settings finds its outputs and `scratch` as it left them and may resume from them; with others it finds
them gone. To show progress, call `nevus.pipeline.progress.tell(done, total, "images")`; an engine that shows none
ignores it. "The gate says no" is an `Outcome(passed=False)`, never an exception.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from graphlib import CycleError, TopologicalSorter
from pathlib import PurePosixPath
from typing import Any, TypeAlias

from pydantic import BaseModel

from nevus.errors import InputError

URI: TypeAlias = str
"""An absolute path, or an address such as `s3://bucket/key`."""
Inputs: TypeAlias = Mapping[str, URI]


class PipelineError(InputError):
    """Steps that don't fit together, or a step that doesn't exist."""


@dataclass(frozen=True)
class Outcome:
    """What a step found. Written into its completion record, so all of it is plain JSON.

    `passed` is false where a check or gate said no: a result, on which engines branch, not a failure. `summary` is for
    people and for later steps' reports; `timings` are seconds by part of the work; `notices` are shown to the user.
    """

    passed: bool = True
    summary: Mapping[str, Any] = field(default_factory=dict)
    timings: Mapping[str, float] = field(default_factory=dict)
    notices: tuple[str, ...] = ()


StepFunction: TypeAlias = Callable[[Any, Inputs, URI], Outcome]


@dataclass(frozen=True)
class StepSpec:
    """A step and what it takes and gives.

    Args:
        name: lower case, as in `nevus step NAME`.
        run: the function.
        settings: picks the section that the step gets from the whole tree; a change of it makes the step run again. A
            section put together for a step names its parts as the tree does, so that neutral keys are known in it.
        inputs: the step's name of an input -> `STEP.OUTPUT`.
        outputs: name -> path under the output folder, of a file or a folder.
        optional: outputs that the step may leave out.
        scratch: paths under the output folder that the step resumes from after a kill; not an artefact.
        external: fingerprints of what lies outside the output folder and decides the result too (the folder of images,
            the present champion), from the same section and the inputs' URIs; a change of any makes the step run again.
        preflight: refuses, from the same section, what the user gave and what can be seen to be unusable beforehand (a
            policy that doesn't exist). An engine calls it for every step that is going to run, before the first one.
        only_if_passed: steps that must have passed, or this one is left out. Without it, a step runs whatever the
            others found: `register` records the rejected as well.
    """

    name: str
    run: StepFunction
    settings: Callable[[Any], BaseModel]
    inputs: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    optional: Collection[str] = ()
    scratch: Collection[str] = ()
    external: Callable[[Any, Inputs], Mapping[str, str]] | None = None
    preflight: Callable[[Any], None] | None = None
    only_if_passed: Collection[str] = ()

    @property
    def needs(self) -> frozenset[str]:
        """The steps that come before."""
        return frozenset({source.partition(".")[0] for source in self.inputs.values()} | set(self.only_if_passed))


@dataclass(frozen=True)
class Pipeline:
    """Steps in the order that their inputs ask for; among those that are free, in the order given.

    `neutral` are dotted keys of the settings tree (or of whole sections) that change how the work is done but not what
    comes out: number of workers, device, addresses. They may differ between two runs into one folder, and no step runs
    again for them.

    Raises:
        PipelineError: two steps of a name, an input that no step gives, two outputs at one path, or a circle.
    """

    steps: tuple[StepSpec, ...]
    neutral: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        names = [step.name for step in self.steps]
        if len(set(names)) != len(names):
            raise PipelineError(
                f"two steps have one name: {', '.join(sorted(n for n in names if names.count(n) > 1))}."
            )
        for step in self.steps:
            for source in step.inputs.values():
                self.output_path(source)
            for name in step.only_if_passed:
                self.step(name)
        _check_paths(path for step in self.steps for path in (*step.outputs.values(), *step.scratch))
        self.ordered()

    def step(self, name: str) -> StepSpec:
        """The step of that name.

        Raises:
            PipelineError: there is none; suggests the one that was meant.
        """
        for step in self.steps:
            if step.name == name:
                return step
        names = [step.name for step in self.steps]
        close = get_close_matches(name, names, n=1)
        meant = f"did you mean {close[0]!r}?" if close else f"the steps are {', '.join(names)}."
        raise PipelineError(f"there is no step {name!r}; {meant}")

    def output_path(self, source: str) -> str:
        """The path under the output folder of `STEP.OUTPUT`.

        Raises:
            PipelineError: no such step, or it has no such output.
        """
        name, _, output = source.partition(".")
        outputs = self.step(name).outputs
        if output not in outputs:
            raise PipelineError(f"step {name} has no output {output!r}; it has {', '.join(outputs) or 'none'}.")
        return outputs[output]

    def ordered(self, only: Iterable[str] | None = None) -> tuple[StepSpec, ...]:
        """The steps in an order in which each comes after those it needs; of `only`, no others are added.

        Raises:
            PipelineError: steps that need each other, or a name in `only` that isn't a step's.
        """
        chosen = {self.step(name).name for name in only} if only is not None else None
        sorter = TopologicalSorter({step.name: step.needs for step in self.steps})
        try:
            sorter.prepare()
        except CycleError as error:
            raise PipelineError(f"steps need each other in a circle: {' -> '.join(error.args[1])}.") from error
        places = {step.name: i for i, step in enumerate(self.steps)}
        ready: list[str] = []
        found: list[StepSpec] = []
        while sorter.is_active():
            ready = sorted([*ready, *sorter.get_ready()], key=places.__getitem__)
            name = ready.pop(0)
            sorter.done(name)
            found.append(self.step(name))
        return tuple(step for step in found if chosen is None or step.name in chosen)


def _check_paths(paths: Iterable[str]) -> None:
    seen: list[PurePosixPath] = []
    for path in map(PurePosixPath, paths):
        if path.is_absolute() or ".." in path.parts or not path.parts:
            raise PipelineError(f"'{path}' must be a path under the output folder.")
        for other in seen:
            if path == other or other in path.parents or path in other.parents:
                raise PipelineError(f"two steps would write to one place: {other} and {path}.")
        seen.append(path)
