"""Who is told of what."""

from __future__ import annotations

from enum import StrEnum

from pydantic import SecretStr

from nevus.settings import Section


class Event(StrEnum):
    """What may be worth a notice."""

    RUN_FAILED = "run_failed"
    GATE_FAILED = "gate_failed"
    CANDIDATE = "candidate"
    """A model passed the gate and waits for approval."""
    APPROVED = "approved"
    PROMOTED = "promoted"
    CHALLENGER = "challenger"
    ROLLED_BACK = "rolled_back"
    RETIRED = "retired"


class NoticeSettings(Section):
    """Addresses and events."""

    urls: tuple[SecretStr, ...] = ()
    """Apprise addresses, such as `mailto://…`, `slack://…`, `json://host/path`; they hold secrets, so give them by the
    environment (NEVUS_NOTICES__URLS, a JSON list) and not in a file. Without any, notices go to the log only."""
    events: tuple[Event, ...] = tuple(Event)
    """Of which events there is a notice."""
