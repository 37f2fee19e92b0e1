"""MLflow shows what was decided here: behind the answer, by a process of its own, so that nothing waits for it.

The server never imports MLflow, whose import alone takes seconds of a processor. A mirror shows the whole registry, so
one for several decisions is enough, and one that is lost (the server was killed) is made good by the next.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from nevus.tracking import TrackingSettings, is_mirrored

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

PAUSES = (5.0, 60.0, 600.0)
"""Seconds before it is tried again; after the last it is given up."""
REMEDY = "nevus models mirror"
_MOST_SECONDS = 180.0
_END_SECONDS = 10.0
_NICE = 10


class Mirror:
    """Brings MLflow up to date when it is wanted; what fails is said in the log, tried again, and breaks nothing."""

    def __init__(
        self,
        store: sa.URL,
        home: Path,
        settings: TrackingSettings,
        log: FilteringBoundLogger,
        *,
        pauses: Sequence[float] = PAUSES,
    ) -> None:
        self._home, self._settings, self._log, self._pauses = home, settings, log, pauses
        self._environment = _environment(store, home, settings)
        self._wanted, self._ends = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    def want(self) -> None:
        """Mirror soon, where MLflow shows the models at all. Returns at once."""
        if self._ends.is_set() or not is_mirrored(self._settings, self._home):
            return
        if find_spec("mlflow") is None:
            self._log.warning("models_not_mirrored", error="MLflow isn't installed here", remedy=REMEDY)
            return
        self._wanted.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="nevus-mirror", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Wait some seconds for one that runs; it goes on without this process, but isn't tried again."""
        self._ends.set()
        self._wanted.set()
        if self._thread is not None:
            self._thread.join(_END_SECONDS)

    def _work(self) -> None:
        while not self._ends.is_set():
            self._wanted.wait()
            if self._wanted.is_set() and not self._ends.is_set():
                self._try()

    def _try(self) -> None:
        for pause in (*self._pauses, None):
            self._wanted.clear()
            error = self._run()
            if error is None:
                return
            if pause is None or self._ends.is_set():
                self._log.error("models_not_mirrored", error=error, remedy=REMEDY)
                return
            self._log.warning("models_not_mirrored", error=error, again_in_seconds=pause)
            self._ends.wait(pause)
            if self._ends.is_set():
                self._log.error("models_not_mirrored", error=error, remedy=REMEDY)
                return

    def _run(self) -> str | None:
        """Why it failed; None where it didn't."""
        command = [sys.executable, "-m", "nevus", "models", "mirror", "--json"]
        try:
            with subprocess.Popen(  # noqa: S603 - our own interpreter and module
                command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
            ) as process:
                with contextlib.suppress(OSError):  # it is in nobody's way
                    os.setpriority(os.PRIO_PROCESS, process.pid, _NICE)
                try:
                    said, complaint = process.communicate(timeout=_MOST_SECONDS)
                except subprocess.TimeoutExpired:
                    process.kill()
                    return f"it did not end within {_MOST_SECONDS:g} seconds"
        except OSError as error:
            return str(error)
        if process.returncode:
            return " ".join(complaint.split())[-500:] or f"exit code {process.returncode}"
        self._log.info("models_mirrored", **json.loads(said))
        return None


def _environment(store: sa.URL, home: Path, settings: TrackingSettings) -> dict[str, str]:
    """Store, home and MLflow as they are here: the environment, since a command line shows passwords to everybody."""
    told = {
        "NEVUS_HOME": str(home),
        "NEVUS_STORE__HOME": str(home),
        "NEVUS_STORE__URL": store.render_as_string(hide_password=False),
        "NEVUS_TRACKING__ENABLED": str(settings.enabled).lower(),
        "NEVUS_TRACKING__EXPERIMENT": settings.experiment,
    }
    if settings.uri is not None:
        told["NEVUS_TRACKING__URI"] = settings.uri.get_secret_value()
    return {name: text for name, text in os.environ.items() if name != "NEVUS_TRACKING__URI"} | told
