"""Notices to people: that a run failed, that a model waits for approval, that one went into production."""

from nevus.notices.model_change import change_body, change_title
from nevus.notices.notifier import DeliveryError, Notices, Notifier
from nevus.notices.open import open_notices
from nevus.notices.settings import Event, NoticeSettings

__all__ = [
    "DeliveryError",
    "Event",
    "NoticeSettings",
    "Notices",
    "Notifier",
    "change_body",
    "change_title",
    "open_notices",
]
