"""Deciding about a version: approve, promote, challenge, retire, roll back, load and unload."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from nevus.api import ModelChange, ModelVersion
from nevus.client import Client, ClientError
from nevus.console import words
from nevus.console.frame import say
from nevus.console.session import may

_TOLD = "nevus.models.told"
_APPROVE = "Approve"
_OPEN = {
    _APPROVE: ("admin", ("candidate", "rejected", "retired")),
    "Promote to champion": ("admin", ("approved", "challenger")),
    "Make challenger": ("admin", ("approved",)),
    "Retire": ("admin", ("candidate", "rejected", "approved", "challenger")),
    "Roll back to the champion before": ("operator", ("champion",)),
}
"""Who may decide so, and in which states of a version it means anything."""
_DONE = {
    "register": "Registered",
    "approve": "Approved",
    "promote": "Promoted to champion",
    "challenger": "Made challenger",
    "replace": "Replaced by another champion",
    "stand_down": "Replaced by another challenger",
    "rollback": "Rolled back",
    "restore": "Champion again, after a rollback",
    "retire": "Retired",
    "load": "Loaded for requests that name it",
    "unload": "Unloaded",
}


def last_decision() -> str | None:
    """What the decision before this drawing changed; said once."""
    told: str | None = st.session_state.pop(_TOLD, None)
    return told


def decide_section(nevus: Client, one: ModelVersion) -> None:
    """What the person may decide about a version in its state."""
    if one.number is None:
        st.caption("A bundle served from its folder is decided on by who starts the service.")
        return
    if one.approved_by:
        st.caption(
            f"Approved by {one.approved_by}"
            + (f" on {one.approved_at:%d %B %Y}" if one.approved_at else "")
            + (f": {one.approval_note}" if one.approval_note else "")
        )
    if not may("operator"):
        st.caption("Your key may look, not decide: rollback needs an operator's, approval and promotion an admin's.")
        return
    number = one.number
    note = st.text_input("Note", placeholder="Why?", key=f"note-{one.ref}", max_chars=1000)
    override = None
    if one.gate_passed is False and may("admin"):
        override = st.text_input("Reason to go against the gate", key=f"override-{one.ref}", max_chars=1000)
    sure = st.checkbox("I have read the figures and the card", key=f"sure-{one.ref}")
    decisions: dict[str, Callable[[], ModelChange]] = {
        _APPROVE: lambda: nevus.approve(one.model, number, note, override=override or None),
        "Promote to champion": lambda: nevus.promote(one.model, number, note=note or None),
        "Make challenger": lambda: nevus.challenge(one.model, number, note=note or None),
        "Retire": lambda: nevus.retire(one.model, number, note=note or None),
        "Roll back to the champion before": lambda: nevus.rollback(one.model, note=note or None),
    }
    with st.container(horizontal=True):
        for label, decide in decisions.items():
            role, states = _OPEN[label]
            if may(role) and one.state in states:
                _act(label, one, sure and (bool(note) or label != _APPROVE), decide)
    with st.container(horizontal=True):
        if one.loaded and not one.serving:
            _load("Unload", one, nevus)
        elif one.may_answer and not one.loaded:
            _load("Load for requests that name it", one, nevus)
    st.caption(
        "The buttons wait for the tick, an approval for a note too. What is decided here stands in the audit log under "
        "your key's name."
    )


def decided_section(nevus: Client, one: ModelVersion) -> None:
    """What was decided about a version so far, the latest first."""
    if one.number is None:
        return
    try:
        history = nevus.model(one.model, one.number).history
    except ClientError as error:
        say(error)
        return
    st.markdown("**So far**")
    rows = [
        {
            "When": f"{found.at:%d %B %Y, %H:%M} UTC",
            "What": _DONE.get(found.decision, words.sentence(found.decision.replace("_", " "))),
            "By": found.by,
            "Note": found.note or "",
        }
        for found in reversed(history)
    ]
    st.table(rows, hide_index=True, border="horizontal", alt="What was decided about this version")


def _act(label: str, one: ModelVersion, allowed: bool, decide: Callable[[], ModelChange]) -> None:
    if not st.button(label, key=f"{label}-{one.ref}", disabled=not allowed):
        return
    try:
        change = decide()
    except ClientError as error:
        say(error)
        return
    now = change.version
    told = f"{words.version_name(now.model, now.number, now.bundle_digest)} is now {now.state}."
    if change.replaced is not None and change.replaced.number is not None:
        told += f" It replaces version {change.replaced.number}."
    st.session_state[_TOLD] = " ".join([told, *change.warnings])
    st.rerun()


def _load(label: str, one: ModelVersion, nevus: Client) -> None:
    if one.number is None or not st.button(label, key=f"{label}-{one.ref}"):
        return
    try:
        if one.loaded:
            nevus.unload(one.model, one.number)
        else:
            nevus.load(one.model, one.number)
    except ClientError as error:
        say(error)
        return
    st.rerun()
