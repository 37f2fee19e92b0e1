"""Notices in the log: what there is without any setting."""

from __future__ import annotations

import logging

from nevus.notices.settings import Event

_log = logging.getLogger("nevus.notices")
_BAD = frozenset({Event.RUN_FAILED, Event.GATE_FAILED})


class LogNotifier:
    """Writes a notice to the logger `nevus.notices`; failures as warnings."""

    def send(self, event: Event, title: str, body: str) -> None:
        """Write one record."""
        _log.log(logging.WARNING if event in _BAD else logging.INFO, "%s: %s: %s", event, title, body)
