"""What every engine is: something that orders steps, runs them, and says what became of each."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

from pydantic import BaseModel

from nevus.pipeline.execute import StepResult
from nevus.pipeline.step import URI, Pipeline

EventKind = Literal["started", "progress", "finished", "skipped", "left_out", "failed", "notice"]


@dataclass(frozen=True)
class Event:
    """Something that a run wants to be seen. `number` of `of` is the step's place; `done` of `total`, its progress.

    `text` is why a step runs, what is counted, what the user should know, or what went wrong. `result` comes with
    `finished`, `skipped` and `left_out`.
    """

    kind: EventKind
    step: str = ""
    number: int = 0
    of: int = 0
    text: str = ""
    done: int = 0
    total: int | None = None
    result: StepResult | None = None


Listener: TypeAlias = Callable[[Event], None]


def deaf(_: Event) -> None:
    """A listener that hears nothing."""


@dataclass(frozen=True)
class RunResult:
    """What became of each step, in the order of the run."""

    output: URI
    steps: tuple[StepResult, ...]

    @property
    def passed(self) -> bool:
        """Whether every step ran and passed. False is a result (the gate said no), not a failure."""
        return all(result.passed for result in self.steps)

    def __getitem__(self, step: str) -> StepResult:
        return next(result for result in self.steps if result.step == step)


class Engine(ABC):
    """Runs a pipeline. The steps know of no engine, and an engine of no step."""

    name: ClassVar[str]

    @abstractmethod
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
        """Bring every step to its end, each after those it needs, and skip what is done.

        What a step can refuse beforehand (`StepSpec.preflight`) is refused before the first one runs; steps that are
        done aren't asked. Killed at any moment and called again with the same settings, it goes on with the step that
        was running.

        Args:
            pipeline: the steps.
            tree: the whole tree of settings.
            output: the output folder.
            only: run these steps and no others; what they need must be done.
            force: run these even if done.
            listener: hears what happens.

        Raises:
            FolderLockedError: another run writes there.
            SettingsDifferError: the folder belongs to a run with other settings.
            MissingInputError: with `only`, a step that is needed isn't done.
            StorageFullError: the disk filled up; what was finished stays usable.
        """
