"""How many predictions there are, and of which kind."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from nevus.store.database import Store
from nevus.store.serving_tables import LabelRow, PredictionRow


@dataclass(frozen=True)
class Counts:
    """Without shadows. by_diagnosis: without unusable images. labelled: how many of their images have a label."""

    predictions: int
    by_verdict: dict[str, int]
    by_diagnosis: dict[str, int]
    labelled: int


def count_predictions(store: Store, *, since: datetime) -> Counts:
    """The predictions from a moment on."""
    meant = (PredictionRow.created_at >= since, PredictionRow.arm != "shadow")
    label = sa.exists().where(LabelRow.image_hash == PredictionRow.image_hash)
    grouped = (
        sa.select(PredictionRow.verdict, PredictionRow.diagnosis, sa.func.count())
        .where(*meant)
        .group_by(PredictionRow.verdict, PredictionRow.diagnosis)
    )
    by_verdict: dict[str, int] = {}
    by_diagnosis: dict[str, int] = {}
    with store.read() as session:
        for verdict, diagnosis, count in session.execute(grouped):
            by_verdict[verdict] = by_verdict.get(verdict, 0) + count
            if diagnosis is not None:
                by_diagnosis[diagnosis] = by_diagnosis.get(diagnosis, 0) + count
        labelled = session.scalar(sa.select(sa.func.count()).select_from(PredictionRow).where(*meant, label)) or 0
    return Counts(sum(by_verdict.values()), by_verdict, by_diagnosis, labelled)
