"""Notices by mail, chat or web hook, through Apprise."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from nevus.errors import InputError, require
from nevus.notices.notifier import DeliveryError
from nevus.notices.settings import Event

_TYPES = {Event.RUN_FAILED: "failure", Event.GATE_FAILED: "warning", Event.ROLLED_BACK: "warning"}


class NoticeAddressError(InputError):
    """An address isn't one that Apprise knows."""


class AppriseNotifier:
    """Sends to Apprise addresses.

    Raises:
        MissingExtraError: Apprise isn't installed.
        NoticeAddressError: an address isn't understood; the message says which one by its place, not by its text.
    """

    def __init__(self, urls: Sequence[str]) -> None:
        apprise = require("apprise", "notify")
        # Its own log repeats addresses, passwords and all; ours says what went wrong.
        logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
        self._targets = []
        for place, url in enumerate(urls):
            target = apprise.Apprise.instantiate(url, suppress_exceptions=True)
            if target is None:
                scheme = url.partition("://")[0] if "://" in url else "no"
                raise NoticeAddressError(
                    f"notices.urls[{place}] (scheme {scheme!r}) is not an address that Apprise understands; it is not "
                    "shown here because it may hold a secret. See Apprise's list of services for its form."
                )
            self._targets.append(target)

    def send(self, event: Event, title: str, body: str) -> None:
        """Send to every address, and say which ones did not take it."""
        kind = _TYPES.get(event, "info")
        failed = [
            f"notices.urls[{place}] ({target.service_name})"
            for place, target in enumerate(self._targets)
            if not target.notify(title=title, body=body, notify_type=kind)
        ]
        if failed:
            raise DeliveryError(
                f"{', '.join(failed)} did not take it; is the service reachable, and the address right?"
            )
