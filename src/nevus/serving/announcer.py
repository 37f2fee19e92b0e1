"""Who else hears of a decision about a model: people by notices, MLflow by a mirror. No answer waits for either."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from nevus.errors import NevusError
from nevus.notices import Event, NoticeSettings, change_body, change_title, open_notices
from nevus.serving.mirroring import Mirror
from nevus.store import Change
from nevus.tracking import TrackingSettings

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger


class Announcer:
    """Tells of changes that stand already: what fails here is logged, and breaks nothing.

    Only the process that was asked for the change tells of it; those that follow it don't.
    """

    def __init__(
        self,
        store: sa.URL,
        home: Path,
        log: FilteringBoundLogger,
        *,
        tracking: TrackingSettings | None = None,
        notices: NoticeSettings | None = None,
    ) -> None:
        self._log, self._notices = log, notices or NoticeSettings()
        self._mirror = Mirror(store, home, tracking or TrackingSettings(), log)
        self._sender = ThreadPoolExecutor(1, "nevus-notices")

    def tell(self, event: Event, change: Change, *, by: str, note: str = "") -> None:
        """Tell people and MLflow, soon. Returns at once."""
        title = change_title(event, change, by)
        self._log.info("model_changed", change=event.value, told=title)
        self._sender.submit(self._send, event, title, change_body(change, by, note))
        self._mirror.want()

    def close(self) -> None:
        """Send what waits, and end."""
        self._sender.shutdown(wait=True)
        self._mirror.close()

    def _send(self, event: Event, title: str, body: str) -> None:
        try:
            delivered = open_notices(self._notices).notify(event, title, body)
        except NevusError as error:
            self._log.warning("notice_not_delivered", told=title, error=str(error))
            return
        if not delivered:
            self._log.warning("notice_not_delivered", told=title, error="an address did not take it")
