"""Whether the states of the versions are those that the audit tells of: a state set by hand stands in no audit."""

from __future__ import annotations

import json

import sqlalchemy as sa

from nevus.store.database import Store
from nevus.store.tables import AuditRow, VersionRow


def unexplained_states(store: Store) -> list[str]:
    """A sentence for every version whose state isn't the one that its last audited move led to."""
    with store.read() as session:
        told: dict[str, str] = {}
        rows = session.scalars(
            sa.select(AuditRow).where(AuditRow.action.startswith("model.")).order_by(AuditRow.sequence)
        )
        for row in rows:
            try:
                target = json.loads(row.details).get("to")
            except (ValueError, AttributeError):  # a damaged row; the chain's verification names it
                continue
            if target is not None:
                told[row.subject] = target
        problems = []
        for version in session.scalars(sa.select(VersionRow).order_by(VersionRow.model, VersionRow.number)):
            ref = f"{version.model}/{version.number}"
            if told.pop(ref, None) != version.state:
                problems.append(f"{ref} is {version.state}, and no move in the audit made it so")
        problems += [f"{ref} stands in the audit, and is gone from the models" for ref in sorted(told)]
    return problems
