"""What has grown too old is forgotten: by a thread, once an hour."""

from __future__ import annotations

import threading
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING

from nevus.serving.noted_blobs import NotedBlobs
from nevus.serving.settings import ServingSettings
from nevus.store import Store
from nevus.store.columns import now
from nevus.store.heartbeats import forget_heartbeats
from nevus.store.loose_pictures import LooseSweep, TooManyLooseError
from nevus.store.retention import RetentionSettings, apply_retention, forget_kept_answers

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

HEARTBEATS_KEPT = timedelta(days=90)
EVERY_SECONDS = 3600.0
LOOSE_SECONDS = 1800.0
"""After so long, a picture whose answer was never given goes; no upload takes as long."""
_ACTOR = "serving.retention"


class Housekeeping:
    """Applies the retention that the settings name, and removes pictures of answers that never came, every hour.

    Several processes may do so at once: what one has deleted, the others don't find any more.
    """

    def __init__(
        self,
        store: Store,
        blobs: NotedBlobs,
        settings: ServingSettings,
        log: FilteringBoundLogger,
        *,
        every_seconds: float = EVERY_SECONDS,
    ) -> None:
        self._store, self._blobs, self._log, self._every = store, blobs, log, every_seconds
        self._ages = RetentionSettings(
            pictures_days=settings.retention_pictures_days, predictions_days=settings.retention_predictions_days
        )
        self._answers_kept = timedelta(hours=settings.idempotency_hours)
        self._sweep = LooseSweep(store, blobs)
        self._ends = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Work in a thread of its own from now on."""
        self._thread = threading.Thread(target=self._work, name="nevus-housekeeping", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop, after the batch that it is at."""
        self._ends.set()
        if self._thread is not None:
            self._thread.join(timeout=10)

    def once(self) -> None:
        """Forget what is too old now.

        Raises:
            StoreError: the store or the pictures can't be reached; what was begun is finished the next time.
        """
        gone = apply_retention(self._store, self._blobs, self._ages, by=_ACTOR)
        minutes = forget_heartbeats(self._store, before=now() - HEARTBEATS_KEPT)
        answers = forget_kept_answers(self._store, before=now() - self._answers_kept)
        loose = self._blobs.forget_loose(self._store, after_seconds=LOOSE_SECONDS)
        loose += self._swept()
        forgotten = asdict(gone) | {"minutes": minutes, "kept_answers": answers, "loose_pictures": loose}
        if any(forgotten.values()):
            self._store.empty_log()
            self._log.info("forgotten", **forgotten)

    def _swept(self) -> int:
        """Delete pictures that a killed process left behind; how many."""
        self._blobs.clear_away()
        try:
            return self._sweep.round().deleted
        except TooManyLooseError as error:
            self._log.error("loose_pictures", error=str(error))
            return 0

    def _work(self) -> None:
        while True:
            try:
                self.once()
            except Exception as error:  # the store is away; the next hour will do
                self._log.warning("retention_not_applied", error=str(error))
            if self._ends.wait(self._every):
                return
