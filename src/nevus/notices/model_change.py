"""What people are told of a decision about a model version."""

from __future__ import annotations

from nevus.notices.settings import Event
from nevus.store import Change

_NOW = {
    Event.PROMOTED: "champion now",
    Event.ROLLED_BACK: "champion again",
    Event.CHALLENGER: "challenger now",
    Event.RETIRED: "retired",
}


def change_title(event: Event, change: Change, by: str) -> str:
    """In a line: what the version is now, and what became of the one before."""
    version, replaced = change.version, change.replaced
    said = f"{version.ref} is {_NOW.get(event, f'{event} by {by}')}."
    return said if replaced is None else f"{said} {replaced.ref} is {replaced.state} now."


def change_body(change: Change, by: str, note: str = "") -> str:
    """Who decided it and why, the bundle, and what its owner should know."""
    who = f"by {by}: {note}" if note else f"by {by}"
    return "\n".join((who, f"bundle {change.version.bundle_digest[:12]}", *change.warnings))
