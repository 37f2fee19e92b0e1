"""The port: something that can tell people something, and the guard that keeps it from breaking a run."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from typing import Protocol

from nevus.errors import NevusError
from nevus.notices.settings import Event

_log = logging.getLogger("nevus.notices")


class DeliveryError(NevusError, OSError):
    """A notice did not reach an address."""


class Notifier(Protocol):
    """One way to tell people something."""

    def send(self, event: Event, title: str, body: str) -> None:
        """Deliver, or raise `DeliveryError`; the message must not repeat an address, which may hold a secret."""
        ...


class Notices:
    """Tells every notifier of the events that were asked for."""

    def __init__(self, notifiers: Sequence[Notifier], events: Collection[Event] = tuple(Event)) -> None:
        self._notifiers = tuple(notifiers)
        self._events = frozenset(events)

    def notify(self, event: Event, title: str, body: str) -> bool:
        """Tell of an event; never raises, whatever happens to a notice.

        Args:
            event: what happened; one that isn't asked for is passed over.
            title: one line.
            body: plain text: what happened and what to do. No patient data.

        Returns:
            Whether every notifier delivered; True as well where the event isn't asked for.
        """
        if event not in self._events:
            return True
        delivered = [self._deliver(notifier, event, title, body) for notifier in self._notifiers]
        return all(delivered)

    def _deliver(self, notifier: Notifier, event: Event, title: str, body: str) -> bool:
        try:
            notifier.send(event, title, body)
        except DeliveryError as error:
            _log.error("notice %r was not delivered: %s", title, error)
            return False
        except Exception as error:  # a plug-in's bug must not end a training of hours
            _log.error("notice %r was not delivered: %s in %s", title, type(error).__name__, type(notifier).__name__)
            return False
        return True
