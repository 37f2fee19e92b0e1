"""The registry: versions, and the moves that bring them to production and back. Every move stands in the audit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from nevus.errors import InputError
from nevus.store import audit
from nevus.store.actor import current_actor
from nevus.store.columns import now
from nevus.store.database import Store
from nevus.store.registry.references import find_row, only_model
from nevus.store.registry.registration import register
from nevus.store.registry.rows import row_in_state, to_version
from nevus.store.registry.states import Move, State, TransitionError, after
from nevus.store.registry.version import Change, ModelVersion, NewVersion, Registered
from nevus.store.serving_tables import FurtherVersionRow
from nevus.store.tables import VersionRow


class ApprovalError(InputError):
    """An approval lacks what makes somebody answerable for it; `field` names it: by, note or override."""

    def __init__(self, field: str, said: str) -> None:
        super().__init__(f"{field} {said}")
        self.field = field


class Registry:
    """The model versions of a store.

    A version is named by a reference (see `references.find_row`). `by` is the person or automation that acts; without
    it, the user of the operating system. A move that the version's state doesn't allow raises `TransitionError`, and
    a reference that means nothing `UnknownVersionError`.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def register(self, new: NewVersion, *, by: str | None = None) -> Registered:
        """Add a bundle as candidate or rejected; the same bundle under the same name stays one version."""
        with self._store.write() as session:
            return register(session, new, actor=by or current_actor())

    def get(self, ref: str) -> ModelVersion:
        """The version that a reference means."""
        with self._store.read() as session:
            return to_version(find_row(session, ref))

    def versions(self, model: str | None = None, state: State | None = None) -> list[ModelVersion]:
        """All versions, or those of a name or state; by name, the newest first."""
        query = sa.select(VersionRow).order_by(VersionRow.model, VersionRow.number.desc())
        with self._store.read() as session:
            if model is not None:
                query = query.where(VersionRow.model == only_model(session, model))
            if state is not None:
                query = query.where(VersionRow.state == state.value)
            return [to_version(row) for row in session.scalars(query)]

    def champion(self, model: str) -> ModelVersion | None:
        """The version of this name that is in production, if there is one."""
        with self._store.read() as session:
            row = row_in_state(session, model, State.CHAMPION)
            return to_version(row) if row else None

    def approve(self, ref: str, *, by: str, note: str, override: str | None = None) -> Change:
        """A named person answers for the version.

        Args:
            ref: the version.
            by: who approves.
            note: what the approval rests on.
            override: why, where the gate has said no; without it such a version can't be approved.

        Raises:
            ApprovalError: no name, no note, or no override where one is needed.
        """
        for name, text in (("by", by), ("note", note)):
            if not text.strip():
                raise ApprovalError(name, "is empty: who answers for this version, and on what grounds?")
        if override is not None and not override.strip():
            raise ApprovalError("override", "is empty; it must say why this version may pass against the gate.")
        with self._store.write() as session:
            row = find_row(session, ref)
            target = _target(row, Move.APPROVE)
            if not row.gate_passed and override is None:
                raise ApprovalError(
                    "override",
                    f"is missing: {_ref(row)} did not pass the gate ({'; '.join(row.reasons)}). It can be approved "
                    "only against the gate's verdict, with a reason, which stays in the audit and on the version.",
                )
            warnings: tuple[str, ...] = ()
            if row.gate_passed and override is not None:
                override, warnings = None, ("it passed the gate: no override was needed, and none is recorded.",)
            row.approved_by, row.approved_at = by.strip(), now()
            row.approval_note, row.override_reason = note.strip(), override
            _move(session, row, target, Move.APPROVE, by=by.strip(), told={"note": note.strip(), "override": override})
            return Change(to_version(row), warnings=warnings)

    def promote(self, ref: str, *, by: str | None = None, note: str = "") -> Change:
        """Put an approved version into production; the champion before it retires, ready to be brought back."""
        actor = by or current_actor()
        with self._store.write() as session:
            row = find_row(session, ref)
            target = _target(row, Move.PROMOTE)
            old = row_in_state(session, row.model, State.CHAMPION)
            if old is not None:
                old.restorable = True
                _move(session, old, State.RETIRED, Move.REPLACE, by=actor, told={"by": _ref(row)})
            row.previous_champion_id, row.restorable = old.id if old else None, False
            warnings = (*_promotion_warnings(row), *_unjudged(row, old))
            told = {"replaces": _ref(old) if old else None, "warnings": list(warnings), "note": note}
            _move(session, row, target, Move.PROMOTE, by=actor, told=told)
            return Change(to_version(row), to_version(old) if old else None, warnings)

    def former_champion(self, model: str | None = None) -> ModelVersion:
        """The version that a rollback would bring back now.

        Raises:
            TransitionError: there is none.
        """
        with self._store.read() as session:
            return to_version(_way_back(session, only_model(session, model))[1])

    def rollback(
        self, model: str | None = None, *, by: str | None = None, note: str = "", to: str | None = None
    ) -> Change:
        """Bring the former champion back and retire the present one.

        A former champion that was retired on purpose, or rolled back itself, is passed over for the one before.

        Args:
            model: its name, where there are several.
            by: who acts.
            note: why.
            to: `name/3`, the version that is meant; if another one would come back by now, nothing is done.
        """
        actor = by or current_actor()
        with self._store.write() as session:
            name = only_model(session, model)
            row, former = _way_back(session, name)
            if to is not None and to != _ref(former):
                raise TransitionError(
                    f"the champion of {name} has changed meanwhile: a rollback would bring {_ref(former)} back now, "
                    f"not {to}. Look at it again."
                )
            retired = after(State.CHAMPION, Move.ROLL_BACK, ref=_ref(row))
            back = after(State(former.state), Move.RESTORE, ref=_ref(former))
            _move(session, row, retired, Move.ROLL_BACK, by=actor, told={"to_version": _ref(former), "note": note})
            row.restorable = former.restorable = False
            _move(session, former, back, Move.RESTORE, by=actor, told={"instead_of": _ref(row), "note": note})
            return Change(to_version(former), to_version(row), _promotion_warnings(former))

    def challenge(self, ref: str, *, by: str | None = None, note: str = "") -> Change:
        """Let an approved version run beside the champion; a challenger before it becomes approved again."""
        actor = by or current_actor()
        with self._store.write() as session:
            row = find_row(session, ref)
            target = _target(row, Move.CHALLENGE)
            if row_in_state(session, row.model, State.CHAMPION) is None:
                raise TransitionError(
                    f"{row.model} has no champion to challenge; promote this version to make it the champion.",
                    command=f"nevus models promote {_ref(row)}",
                )
            old = row_in_state(session, row.model, State.CHALLENGER)
            if old is not None:
                _move(session, old, State.APPROVED, Move.STAND_DOWN, by=actor, told={"for": _ref(row)})
            told = {"replaces": _ref(old) if old else None, "note": note}
            _move(session, row, target, Move.CHALLENGE, by=actor, told=told)
            return Change(to_version(row), to_version(old) if old else None)

    def retire(self, ref: str, *, by: str | None = None, note: str = "") -> Change:
        """Take a version out of use for good; a rollback won't bring it back, a new approval can.

        Servers that had loaded it for requests that name it let it go.
        """
        with self._store.write() as session:
            row = find_row(session, ref)
            state = State(row.state)
            target = after(state, Move.RETIRE, ref=_ref(row))
            if state is State.RETIRED and not row.restorable:
                raise TransitionError(f"{_ref(row)} is retired already, and no rollback would bring it back.")
            row.restorable = False
            session.execute(sa.delete(FurtherVersionRow).where(FurtherVersionRow.version_id == row.id))
            _move(session, row, target, Move.RETIRE, by=by or current_actor(), told={"note": note})
            warnings: tuple[str, ...] = ()
            if state is State.CHAMPION:
                warnings = (f"{row.model} has no champion now; promote an approved version to have one again.",)
            return Change(to_version(row), warnings=warnings)


def _move(session: Session, row: VersionRow, target: State, move: Move, *, by: str, told: Mapping[str, Any]) -> None:
    """Change the state and write it down. Flushes, so that the old champion has left before the new one comes."""
    details = {"from": row.state, "to": target.value, **told}
    row.state = target.value
    row.changed_at = now()
    session.flush()
    audit.record(session, actor=by, action=f"model.{move}", subject=_ref(row), details=details)


def _target(row: VersionRow, move: Move) -> State:
    return after(State(row.state), move, ref=_ref(row), reasons=row.reasons)


def _way_back(session: Session, model: str) -> tuple[VersionRow, VersionRow]:
    """The champion, and the version that a rollback brings back instead."""
    row = row_in_state(session, model, State.CHAMPION)
    if row is None:
        raise TransitionError(f"{model} has no champion to roll back from; promote an approved version.")
    former = _former_champion(session, row)
    if former is None:
        raise TransitionError(
            f"there is no champion before {_ref(row)} to go back to. Retire it to take it out of production all the "
            "same.",
            command=f"nevus models retire {_ref(row)}",
        )
    return row, former


def _former_champion(session: Session, champion: VersionRow) -> VersionRow | None:
    seen = {champion.id}
    link = champion.previous_champion_id
    while link is not None and link not in seen:
        row = session.get_one(VersionRow, link)
        if row.restorable:
            return row
        seen.add(link)
        link = row.previous_champion_id
    return None


def _promotion_warnings(row: VersionRow) -> tuple[str, ...]:
    warnings = []
    if not row.commercial_use:
        warnings.append(
            f"the licence of its data ({row.licence}) does not allow commercial use, and so neither does this model's."
        )
    if row.override_reason:
        warnings.append(
            f"it did not pass the gate ({'; '.join(row.reasons)}); {row.approved_by} approved it all the same: "
            f"{row.override_reason}"
        )
    return tuple(warnings)


def _unjudged(row: VersionRow, champion: VersionRow | None) -> tuple[str, ...]:
    """A warning where the gate judged a version before its champion came: nothing has shown that it isn't worse."""
    then = row.gate.get("champion")
    if champion is None or then == _ref(champion):
        return ()
    return (
        f"when the gate judged it, {f'{then} was champion' if then else 'there was no champion'}, so nothing has shown "
        f"that it isn't worse than {_ref(champion)}. `nevus models compare {_ref(row)} {_ref(champion)}` tells; "
        f"`nevus models rollback {row.model}` takes it back.",
    )


def _ref(row: VersionRow) -> str:
    return f"{row.model}/{row.number}"
