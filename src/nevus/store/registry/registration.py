"""Registering a bundle that has been through the gate; the same bundle again makes no second version."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from nevus.store import audit
from nevus.store.columns import now
from nevus.store.registry.rows import row_by_digest, to_row, to_version
from nevus.store.registry.states import Move, State, after
from nevus.store.registry.version import NewVersion, Registered
from nevus.store.tables import ModelRow, VersionRow


def register(session: Session, new: NewVersion, *, actor: str) -> Registered:
    """Make a candidate, or a rejected version; or find the one that the bundle already has.

    A bundle that is judged again, by another policy, moves between candidate and rejected. Once a person has decided
    about it, a new verdict is written into the audit and changes nothing else.
    """
    new.check()
    row = row_by_digest(session, new.model, new.bundle_digest)
    if row is None:
        return Registered(to_version(_add(session, new, actor)), created=True)
    warnings = _judge_again(session, row, new, actor)
    _relocate(session, row, new, actor)
    return Registered(to_version(row), created=False, warnings=warnings)


def _add(session: Session, new: NewVersion, actor: str) -> VersionRow:
    at = now()
    if session.get(ModelRow, new.model) is None:
        session.add(ModelRow(name=new.model, created_at=at))
        session.flush()
    last = session.scalar(sa.select(sa.func.max(VersionRow.number)).where(VersionRow.model == new.model)) or 0
    state = State.CANDIDATE if new.gate_passed else State.REJECTED
    row = to_row(new, last + 1, state, at)
    session.add(row)
    session.flush()
    details: dict[str, Any] = {
        "to": state,
        "bundle_digest": new.bundle_digest,
        "bundle_uri": new.bundle_uri,
        "run": new.run,
        **_verdict(new),
    }
    audit.record(session, actor=actor, action="model.register", subject=_ref(row), details=details)
    return row


def _judge_again(session: Session, row: VersionRow, new: NewVersion, actor: str) -> tuple[str, ...]:
    if row.gate == dict(new.gate) and row.gate_passed == new.gate_passed and row.reasons == list(new.reasons):
        return ()
    state = State(row.state)
    if state not in (State.CANDIDATE, State.REJECTED):
        audit.record(session, actor=actor, action="model.judged_again", subject=_ref(row), details=_verdict(new))
        said = "passes" if new.gate_passed else f"fails ({'; '.join(new.reasons)})"
        return (f"{_ref(row)} is {state} already; it now {said}. That is in the audit; its state stays.",)
    details: dict[str, Any] = _verdict(new)
    if row.gate_passed != new.gate_passed:
        target = after(state, Move.PASS_GATE if new.gate_passed else Move.FAIL_GATE, ref=_ref(row))
        details |= {"from": state, "to": target}
        row.state = target.value
    row.gate, row.gate_passed, row.reasons = dict(new.gate), new.gate_passed, list(new.reasons)
    row.metrics = dict(new.metrics)
    row.changed_at = now()
    audit.record(session, actor=actor, action="model.judged_again", subject=_ref(row), details=details)
    return ()


def _relocate(session: Session, row: VersionRow, new: NewVersion, actor: str) -> None:
    """Follow a bundle whose run was copied or moved: the digest proves that it is the same one."""
    moved: dict[str, Any] = {}
    for name in ("bundle_uri", "run", "tracking_run", "predictions_uri"):
        before, here = getattr(row, name), getattr(new, name)
        if here is not None and here != before:
            moved[name] = {"from": before, "to": here}
            setattr(row, name, here)
    if moved:
        row.changed_at = now()
        audit.record(session, actor=actor, action="model.relocate", subject=_ref(row), details={"moved": moved})


def _verdict(new: NewVersion) -> dict[str, Any]:
    return {"gate_passed": new.gate_passed, "gate": dict(new.gate), "reasons": list(new.reasons)}


def _ref(row: VersionRow) -> str:
    return f"{row.model}/{row.number}"
