"""From the settings to something that can notify."""

from __future__ import annotations

from nevus.notices.log import LogNotifier
from nevus.notices.notifier import Notices, Notifier
from nevus.notices.settings import NoticeSettings


def open_notices(settings: NoticeSettings | None = None) -> Notices:
    """Notices to the log, and to every address in the settings.

    Raises:
        MissingExtraError: there are addresses, and Apprise isn't installed.
        NoticeAddressError: an address isn't understood.
    """
    chosen = settings or NoticeSettings()
    notifiers: list[Notifier] = [LogNotifier()]
    if chosen.urls:
        from nevus.notices.apprise import AppriseNotifier

        notifiers.append(AppriseNotifier([url.get_secret_value() for url in chosen.urls]))
    return Notices(notifiers, chosen.events)
