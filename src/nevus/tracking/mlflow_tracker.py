"""Runs in MLflow: settings, figures of every epoch, artefacts, and tags that say what the run came from."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nevus.tracking.flatten import flatten
from nevus.tracking.mlflow_client import experiment_id, hidden, tracking_uri
from nevus.tracking.settings import TrackingSettings
from nevus.tracking.tracker import TrackedArtefact, TrackingError

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

RUN_FILE = "tracking.json"
"""In the output folder: which MLflow run it belongs to."""
_HAS_IMAGES = "nevus.has_images"
_IMAGES = "nevus.images."
_log = logging.getLogger("nevus.tracking")


class MlflowTracker:
    """A tracker over an MLflow client; see `Tracker` for what its methods promise."""

    def __init__(self, client: MlflowClient, settings: TrackingSettings, *, home: Path, output: Path) -> None:
        self._client = client
        self._settings = settings
        self._home = home
        self._file = output / RUN_FILE
        self._uri = hidden(tracking_uri(settings, home))
        self._logged: dict[str, set[int]] = {}
        self._troubles = 0
        self.run_id: str | None = None

    def start(self, name: str, *, settings: Mapping[str, Any], tags: Mapping[str, str]) -> None:
        """Begin the run, or go on with the one that the output folder belongs to."""
        try:
            run = self._former_run()
            if run is None:
                experiment = experiment_id(self._client, self._settings, self._home)
                run = self._client.create_run(experiment, run_name=name, tags=dict(tags))
                self._remember(run.info.run_id)
            else:
                self._client.update_run(run.info.run_id, status="RUNNING")
            self.run_id = run.info.run_id
        except TrackingError:
            raise
        except Exception as error:
            raise TrackingError(
                f"MLflow at {self._uri} can't take a run ({type(error).__name__}: {_first_line(error)}). Check "
                "tracking.uri, or track nothing: tracking.enabled=false."
            ) from error
        if settings:
            self._log_settings(settings, run)
        self.set_tags(tags)

    def log_metrics(self, metrics: Mapping[str, float | None], *, step: int = 0) -> None:
        """Add figures of one step; a resumed epoch repeats its figures, and they are kept once."""
        for name, value in metrics.items():
            if value is None or not math.isfinite(value):
                continue
            with self._going_on(name) as run_id:
                if step not in self._steps(run_id, name):
                    self._client.log_metric(run_id, name, value, step=step)
                    self._logged[name].add(step)

    def log_artefact(self, path: Path, *, folder: str = "", shows_images: bool = False) -> None:
        """Keep a copy; note where it shows images, before there is a copy that nobody knows of."""
        place = "/".join(part for part in (folder.strip("/"), path.name) if part)
        with self._going_on(path.name) as run_id:
            if shows_images:
                self._client.set_tag(run_id, _HAS_IMAGES, "true")
                self._client.set_tag(run_id, f"{_IMAGES}{place}", place)
            if path.is_dir():
                self._client.log_artifacts(run_id, str(path), place)
            else:
                self._client.log_artifact(run_id, str(path), folder.strip("/") or None)

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Set or replace tags."""
        for name, value in tags.items():
            with self._going_on(name) as run_id:
                self._client.set_tag(run_id, name, value)

    def finish(self) -> None:
        """The run is done."""
        self._end("FINISHED")

    def fail(self, reason: str) -> None:
        """The run stopped without being done."""
        self.set_tags({"nevus.failure": reason})
        self._end("FAILED")

    def artefacts_with_images(self) -> list[TrackedArtefact]:
        """Every artefact of every run of the experiment that was logged with `shows_images`."""
        found: list[TrackedArtefact] = []
        token: str | None = None
        experiment = experiment_id(self._client, self._settings, self._home)
        while True:
            page = self._client.search_runs([experiment], f"tags.`{_HAS_IMAGES}` = 'true'", page_token=token)
            for run in page:
                places = sorted(value for key, value in run.data.tags.items() if key.startswith(_IMAGES))
                base = str(run.info.artifact_uri).rstrip("/")
                found += [TrackedArtefact(run.info.run_id, place, f"{base}/{place}") for place in places]
            token = page.token
            if not token:
                return found

    def _log_settings(self, settings: Mapping[str, Any], run: Run) -> None:
        known = run.data.params  # MLflow never lets a parameter change
        for name, value in flatten(settings).items():
            if name not in known:
                with self._going_on(name) as run_id:
                    self._client.log_param(run_id, name, value)
        with self._going_on("settings.json") as run_id:
            self._client.log_dict(run_id, dict(settings), "settings.json")

    def _former_run(self) -> Run | None:
        """The run that the output folder belongs to, if this MLflow still has it."""
        from mlflow.exceptions import MlflowException

        try:
            noted = json.loads(self._file.read_text(encoding="utf-8"))
            if noted["uri"] != self._uri:
                return None
            run: Run = self._client.get_run(noted["run_id"])
        except (OSError, ValueError, KeyError, TypeError, MlflowException):
            return None
        return run if run.info.lifecycle_stage == "active" else None

    def _remember(self, run_id: str) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        partial = self._file.with_name(self._file.name + ".partial")
        partial.write_text(json.dumps({"uri": self._uri, "run_id": run_id}, indent=1) + "\n", encoding="utf-8")
        partial.replace(self._file)

    def _steps(self, run_id: str, name: str) -> set[int]:
        """The steps of which this figure is there already."""
        if name not in self._logged:
            self._logged[name] = {point.step for point in self._client.get_metric_history(run_id, name)}
        return self._logged[name]

    def _end(self, status: str) -> None:
        with self._going_on("the end of the run") as run_id:
            self._client.set_terminated(run_id, status)
        if self._troubles:
            _log.warning(
                "MLflow at %s lacks %d things of this run; its output folder has them", self._uri, self._troubles
            )

    @contextmanager
    def _going_on(self, what: str) -> Iterator[str]:
        """Let the run go on when MLflow can't take something; say so once, and count."""
        if self.run_id is None:
            raise RuntimeError("the tracker hasn't started a run")
        try:
            yield self.run_id
        except Exception as error:  # whatever a remote MLflow fails by, a training of hours is worth more
            self._troubles += 1
            if self._troubles == 1:
                _log.warning("MLflow at %s did not take %s: %s", self._uri, what, _first_line(error))


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
