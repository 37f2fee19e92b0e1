"""The port: what a run tells of itself while it goes on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from nevus.errors import NevusError


class TrackingError(NevusError, RuntimeError):
    """Runs can't be tracked as the settings ask."""


@dataclass(frozen=True)
class TrackedArtefact:
    """An artefact that shows images of patients, and so must be found when one of them is to be erased."""

    run_id: str
    path: str
    """Its place among the run's artefacts."""
    uri: str
    """Where the tracker keeps it."""


class Tracker(Protocol):
    """Follows one run of the pipeline.

    `start` raises `TrackingError` where tracking can't work at all, before hours are spent. After that nothing raises:
    a tracker that stops answering is logged, and the run goes on.
    """

    @property
    def run_id(self) -> str | None:
        """The tracker's id of the run; None before `start`, and where nothing is tracked."""
        ...

    def start(self, name: str, *, settings: Mapping[str, Any], tags: Mapping[str, str]) -> None:
        """Begin the run, or go on with the one that the output folder belongs to.

        Args:
            name: what people call the run.
            settings: the whole tree, as JSON can hold it; logged flat (`training.lr`) and as `settings.json`. Empty:
                those that the run has stay.
            tags: code revision, fingerprints and the like.
        """
        ...

    def log_metrics(self, metrics: Mapping[str, float | None], *, step: int = 0) -> None:
        """Add figures of one step (an epoch, say). The same figure of the same step again is passed over."""
        ...

    def log_artefact(self, path: Path, *, folder: str = "", shows_images: bool = False) -> None:
        """Keep a copy of a file or directory; `shows_images` where it holds images of patients."""
        ...

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Set or replace tags."""
        ...

    def finish(self) -> None:
        """The run is done."""
        ...

    def fail(self, reason: str) -> None:
        """The run stopped without being done; `start` may go on with it later."""
        ...

    def artefacts_with_images(self) -> list[TrackedArtefact]:
        """Every artefact of every run that was logged with `shows_images`."""
        ...


class NullTracker:
    """Follows nothing."""

    run_id: str | None = None

    def start(self, name: str, *, settings: Mapping[str, Any], tags: Mapping[str, str]) -> None:
        """Do nothing."""

    def log_metrics(self, metrics: Mapping[str, float | None], *, step: int = 0) -> None:
        """Do nothing."""

    def log_artefact(self, path: Path, *, folder: str = "", shows_images: bool = False) -> None:
        """Do nothing."""

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Do nothing."""

    def finish(self) -> None:
        """Do nothing."""

    def fail(self, reason: str) -> None:
        """Do nothing."""

    def artefacts_with_images(self) -> list[TrackedArtefact]:
        """There are none."""
        return []
