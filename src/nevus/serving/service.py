"""What every route works with: the store, the loaded bundles, the threads that compute, and the recorder."""

from __future__ import annotations

import asyncio
import functools
import logging
import os
import sys
import threading
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import structlog

from nevus.bundle.usable_cpus import usable_cpus
from nevus.notices import NoticeSettings
from nevus.provenance import code_revision
from nevus.serving.admission import Admission
from nevus.serving.announcer import Announcer
from nevus.serving.auth import Authenticator, RateLimit
from nevus.serving.body_budget import BodyBudget
from nevus.serving.fleet import Fleet, NoModelError
from nevus.serving.heartbeat import Pulse
from nevus.serving.housekeeping import Housekeeping
from nevus.serving.judges import Judges
from nevus.serving.judging import Judged, Task
from nevus.serving.metrics import Metrics
from nevus.serving.noted_blobs import NotedBlobs
from nevus.serving.recorder import Recorder, Write
from nevus.serving.refused_keys import RefusedKeys
from nevus.serving.settings import ServingSettings
from nevus.serving.shadows import Shadows
from nevus.store import Store
from nevus.store.blobs import open_blobs
from nevus.store.ids import new_id
from nevus.store.pseudonyms import Pseudonyms
from nevus.tracking import TrackingSettings

P = ParamSpec("P")
R = TypeVar("R")

_SIDE_THREADS = 8
_UNTOLD = "the model can't be loaded; the service's log says why."
"""For everybody to read: the reason itself may name folders and hosts."""
_UPLOADS = 2


class Service:
    """The parts of a running service; made by `app.create_app`."""

    def __init__(
        self,
        store: Store,
        home: Path,
        settings: ServingSettings,
        *,
        tracking: TrackingSettings | None = None,
        notices: NoticeSettings | None = None,
    ) -> None:
        self.store, self.home, self.settings = store, home, settings
        self.log = structlog.get_logger("nevus.serving")
        self.instance = f"{os.uname().nodename[:20]}-{new_id()[-12:]}"
        place = NotedBlobs(open_blobs(settings.blobs, home, durable=settings.survive_power_loss))
        self.blobs = place if settings.store_images else None
        self.pseudonyms = Pseudonyms.open(home, settings.pseudonym_file)
        self.authenticator = Authenticator(store)
        self.rate_limit = RateLimit(settings.rate_per_minute)
        self.refused_keys = RefusedKeys(settings.refused_keys_per_minute)
        self.metrics = Metrics()
        self.recorder = Recorder(store, survive_power_loss=settings.survive_power_loss, others=lambda: self._busy > 1)
        self.fleet = Fleet(store, home, settings, self.log)
        self.announcer = Announcer(store.url, home, self.log, tracking=tracking, notices=notices)
        self.housekeeping = Housekeeping(store, place, settings, self.log)
        self.pulse = Pulse(store, self.instance, lambda: self.fleet.ready, self.log.warning)
        self.threads = settings.threads or usable_cpus()
        self.shadows = Shadows(
            store, self.metrics, self.log, most=settings.shadow_backlog, busy=lambda: self._busy >= self.threads
        )
        self._judges = Judges(self.threads, self.blobs)
        self._side = ThreadPoolExecutor(_SIDE_THREADS, "nevus-side")
        self.uploads = asyncio.Semaphore(_UPLOADS)
        """Held while samples are checked: keys are checked in the same threads, and must find one free."""
        self._background: set[asyncio.Task[None]] = set()
        self._busy = 0
        self.bodies = BodyBudget(int(settings.max_bodies_mb * 1e6))
        self.admission = Admission(settings.queue + self.threads, lambda: self._busy)
        self._ends = threading.Event()
        self.revision = code_revision()
        self.failure: str | None = None
        """Why there is no model yet, once loading has failed; without paths, for everybody to read."""

    def start(self) -> None:
        """Load the models in a thread of its own, so that /health answers meanwhile, and follow the store from then."""
        threading.Thread(target=self._follow, name="nevus-follow", daemon=True).start()
        self.pulse.start()
        self.housekeeping.start()

    def close(self) -> None:
        """Let running work end, write what waits, and let go of everything."""
        self._ends.set()
        self._judges.close()
        self.shadows.close()
        self._side.shutdown(wait=True)
        self.recorder.close()
        self.pulse.close()
        self.housekeeping.close()
        self.announcer.close()
        self.fleet.close()

    @property
    def waiting(self) -> int:
        """Images that compute or wait for a thread."""
        return self._busy

    def admit(self, images: int = 1) -> None:
        """Refuse now what would only wait.

        Raises:
            ProblemError: 429, the queue is full.
        """
        self.admission.check(images)

    async def judge(self, task: Task) -> Judged:
        """Judge an image in one of the computing threads, and put its picture aside.

        Raises:
            ProblemError: the image can't be read.
            BlobsError: its picture can't be kept.
        """
        self._busy += 1
        try:
            return await self._judges.judge(task)
        finally:
            self._busy -= 1

    async def compute(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run other work of a model in one of the computing threads."""
        self._busy += 1
        try:
            found: R = await self._judges.run(functools.partial(function, *args, **kwargs))
            return found
        finally:
            self._busy -= 1

    async def in_thread(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run what waits for a disk or a database, beside the computing threads."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._side, functools.partial(function, *args, **kwargs))

    async def record(self, rows: Sequence[Mapping[str, Any]], also: Write | None = None) -> None:
        """Write an answer's rows of predictions, and what else belongs to it, and wait until it is committed.

        Raises:
            StoreError: the database refuses or can't be reached; nothing of this answer was written.
        """
        await self.recorder.record(rows, also)
        if self.blobs is not None:
            self.blobs.recorded(rows)

    def in_background(self, work: Coroutine[Any, Any, None]) -> None:
        """Do what no answer waits for; what goes wrong there is logged."""
        task = asyncio.get_running_loop().create_task(work)
        self._background.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._background.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self.log.warning("background_failed", error=str(task.exception()))

    def _follow(self) -> None:
        logged = None
        while not self._ends.is_set() and not self.fleet.ready:
            try:
                self.fleet.start()
                self.failure = None
                self.log.info("ready", model=self.fleet.lineup.champion.ref if self.fleet.lineup.champion else None)
            except Exception as error:
                if str(error) != logged:
                    self.log.error("not_ready", error=str(error))
                logged = str(error)
                self.failure = logged if isinstance(error, NoModelError) else _UNTOLD
                self._ends.wait(self.settings.follow_seconds)
        while not self._ends.wait(self.settings.follow_seconds):
            try:
                self.fleet.follow()
            except Exception as error:  # the store is away; the loaded models go on answering
                self.log.warning("store_not_followed", error=str(error))


def configure_logs(form: str) -> None:
    """Structured lines on stderr, with request ids and without anything of a patient."""
    render: Any = structlog.processors.JSONRenderer() if form == "json" else structlog.dev.ConsoleRenderer(colors=False)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
