"""The rollout of a model: the challenger's share of requests, and whether it judges the others unseen (shadow)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from nevus.errors import InputError
from nevus.store import audit
from nevus.store.actor import current_actor
from nevus.store.columns import now
from nevus.store.database import Store
from nevus.store.registry.references import only_model
from nevus.store.serving_tables import RolloutRow


class RolloutError(InputError):
    """A rollout can't be like this; `field` names what is wrong."""

    def __init__(self, field: str, said: str) -> None:
        super().__init__(f"{field}: {said}")
        self.field = field


@dataclass(frozen=True)
class Rollout:
    """Who answers; `changed_at` and `changed_by` are None where nobody has decided anything yet.

    challenger_share: 0..1 of the patients. shadow: the challenger judges what the champion answers, and that is only
    stored.
    """

    model: str
    challenger_share: float = 0.0
    shadow: bool = False
    changed_at: datetime | None = None
    changed_by: str | None = None


def get_rollout(store: Store, model: str) -> Rollout:
    """The rollout of a model; where none was ever set, or there is no such model, the champion answers everything."""
    with store.read() as session:
        row = session.get(RolloutRow, model)
        return _rollout(row) if row else Rollout(model)


def put_rollout(store: Store, model: str, *, challenger_share: float, shadow: bool, by: str | None = None) -> Rollout:
    """Set the rollout of a model; what is so already is left alone, and not told again.

    Raises:
        RolloutError: the share isn't between 0 and 1.
        UnknownVersionError: there is no such model.
    """
    if not 0 <= challenger_share <= 1:  # NaN too
        raise RolloutError("challenger_share", "is a share of the requests, between 0 and 1.")
    actor = by or current_actor()
    with store.write() as session:
        row = session.get(RolloutRow, only_model(session, model))
        old = _rollout(row) if row else Rollout(model)
        if row is not None and (old.challenger_share, old.shadow) == (challenger_share, shadow):
            return old
        if row is None:
            row = RolloutRow(model=model)
            session.add(row)
        row.challenger_share, row.shadow = challenger_share, shadow
        row.changed_at, row.changed_by = now(), actor
        told = {"from": _said(old), "to": {"challenger_share": challenger_share, "shadow": shadow}}
        audit.record(session, actor=actor, action="rollout.changed", subject=model, details=told)
        return _rollout(row)


def _rollout(row: RolloutRow) -> Rollout:
    return Rollout(row.model, row.challenger_share, row.shadow, row.changed_at, row.changed_by)


def _said(rollout: Rollout) -> dict[str, object]:
    return {"challenger_share": rollout.challenger_share, "shadow": rollout.shadow}
