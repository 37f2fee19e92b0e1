"""The worklist: unlabelled images, in the order in which a label helps most.

    score = max(closeness, entropy) + novelty / 2,   0 .. 1.5

closeness = exp(-|logit(p_malignant) - logit(threshold)|): 1 at the operating point, .37 one unit of log-odds beside it.
entropy = that of the class probabilities over its largest value, the logarithm of their number.
novelty = place of the out-of-distribution score among those of the same bundle here, from 0 (the most usual) to 1;
scores of different bundles can't be compared.
"""

from __future__ import annotations

import base64
import json
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from nevus.bundle.verdict import log_odds
from nevus.store.columns import now
from nevus.store.database import Store
from nevus.store.predictions.filters import FilterError
from nevus.store.predictions.stored import StoredPrediction
from nevus.store.serving_tables import LabelRow, PredictionRow

WINDOW = 5000
"""So many of the newest unlabelled predictions are looked at."""
MOST_ROWS = 500
_NOVELTY = 0.5


@dataclass(frozen=True)
class WorkItem:
    """A prediction whose image has no label, and what makes a label of it worth having; all parts in 0..1.

    closeness: None without an operating point. novelty: None without an out-of-distribution score.
    """

    prediction: StoredPrediction
    score: float
    closeness: float | None
    entropy: float
    novelty: float | None


@dataclass(frozen=True)
class WorklistPage:
    """Some of the worklist, and where the rest begins; `next_cursor` is None on the last page."""

    items: tuple[WorkItem, ...]
    next_cursor: str | None


@dataclass(frozen=True)
class _Candidate:
    """What of a prediction its score needs."""

    prediction_id: str
    image_hash: str
    bundle_digest: str
    p_malignant: float
    threshold: float | None
    probabilities: Mapping[str, float] | None
    ood_score: float | None


@dataclass(frozen=True)
class _Scored:
    prediction_id: str
    image_hash: str
    score: float
    closeness: float | None
    entropy: float
    novelty: float | None

    @property
    def place(self) -> tuple[float, str]:
        """Its place in the order; larger comes first."""
        return self.score, self.prediction_id


def read_worklist(store: Store, *, cursor: str | None = None, limit: int = 20) -> WorklistPage:
    """A page of the worklist: the newest answer on each image that has no label; no shadows, no unusable images.

    Later pages keep to the moment of the first: what is predicted meanwhile waits for the next round, and what is
    labelled meanwhile is left out and moves nothing else.

    Args:
        store: where the predictions are.
        cursor: `next_cursor` of the page before.
        limit: items a page, 1 to 500.

    Raises:
        FilterError: the cursor or the limit can't be.
    """
    if not 1 <= limit <= MOST_ROWS:
        raise FilterError("limit", f"must lie between 1 and {MOST_ROWS}.")
    at, after = (now(), None) if cursor is None else _parsed(cursor)
    with store.read() as session:
        order = sorted(_score(_candidates(session, at)), key=lambda one: one.place, reverse=True)
        rest = [one for one in order if after is None or one.place < after]
        labelled = _labelled_since(session, at) if cursor is not None else frozenset()
        open_ = [one for one in rest if one.image_hash not in labelled]
        shown = open_[:limit]
        query = sa.select(PredictionRow).where(PredictionRow.prediction_id.in_([one.prediction_id for one in shown]))
        rows = {row.prediction_id: StoredPrediction.from_row(row) for row in session.scalars(query)}
    items = tuple(
        WorkItem(rows[one.prediction_id], one.score, one.closeness, one.entropy, one.novelty) for one in shown
    )
    return WorklistPage(items, _written(at, shown[-1]) if len(open_) > limit else None)


def _candidates(session: Session, at: datetime) -> list[_Candidate]:
    """The newest prediction of each image that was there and had no label at a moment."""
    label = sa.exists().where(LabelRow.image_hash == PredictionRow.image_hash, LabelRow.created_at <= at)
    query = (
        sa.select(*(getattr(PredictionRow, name) for name in _Candidate.__dataclass_fields__))
        .where(
            PredictionRow.created_at <= at,
            PredictionRow.arm != "shadow",
            PredictionRow.verdict != "unusable",
            PredictionRow.p_malignant.is_not(None),
            ~label,
        )
        .order_by(PredictionRow.prediction_id.desc())
        .limit(WINDOW)
    )
    newest: dict[str, _Candidate] = {}
    for row in session.execute(query):
        one = _Candidate(*row)
        newest.setdefault(one.image_hash, one)
    return list(newest.values())


def _labelled_since(session: Session, at: datetime) -> frozenset[str]:
    return frozenset(session.scalars(sa.select(LabelRow.image_hash).where(LabelRow.created_at > at)))


def _score(rows: Sequence[_Candidate]) -> list[_Scored]:
    novelty = _novelty(rows)
    scored = []
    for row in rows:
        closeness = None
        if row.threshold is not None:
            closeness = math.exp(-abs(log_odds(row.p_malignant) - log_odds(row.threshold)))
        entropy = _entropy(list((row.probabilities or {}).values()))
        novel = novelty.get(row.prediction_id)
        score = max(closeness or 0.0, entropy) + _NOVELTY * (novel or 0.0)
        scored.append(_Scored(row.prediction_id, row.image_hash, score, closeness, entropy, novel))
    return scored


def _entropy(probabilities: Sequence[float]) -> float:
    if len(probabilities) < 2:
        return 0.0
    return -sum(p * math.log(p) for p in probabilities if p > 0) / math.log(len(probabilities))


def _novelty(rows: Sequence[_Candidate]) -> dict[str, float]:
    """Place of each score within its bundle, over the largest place; equal scores have the lower one's place."""
    by_bundle: dict[str, list[tuple[float, str]]] = defaultdict(list)
    for row in rows:
        if row.ood_score is not None:
            value = math.inf if math.isnan(row.ood_score) else row.ood_score
            by_bundle[row.bundle_digest].append((value, row.prediction_id))
    places: dict[str, float] = {}
    for scores in by_bundle.values():
        first = {value: place for place, (value, _) in reversed(list(enumerate(sorted(scores))))}
        last = max(1, len(scores) - 1)
        places |= {name: first[value] / last for value, name in scores}
    return places


def _written(at: datetime, last: _Scored) -> str:
    text = json.dumps([at.isoformat(), last.score, last.prediction_id], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _parsed(cursor: str) -> tuple[datetime, tuple[float, str]]:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        at, score, name = json.loads(base64.b64decode(padded.encode("ascii"), b"-_", validate=True))
        moment = datetime.fromisoformat(at)
        if moment.tzinfo is None:
            raise ValueError("naive")
        return moment.astimezone(UTC), (float(score), str(name))
    except (ValueError, TypeError, RecursionError, OverflowError):
        raise FilterError("cursor", "is none that this list has given; begin without one.") from None
