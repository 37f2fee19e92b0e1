"""What images look like to a model: the embeddings that came with its answers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from nevus.store.database import Store
from nevus.store.predictions.stored import StoredPrediction
from nevus.store.serving_tables import PredictionRow

NEWEST = 5000
"""So many of the newest answers are looked at."""


@dataclass(frozen=True)
class Similar:
    """A prediction whose image looks alike. similarity: cosine of the embeddings, -1..1."""

    prediction_id: str
    similarity: float


def most_similar(store: Store, one: StoredPrediction, *, limit: int) -> list[Similar]:
    """Among the newest answers of the same bundle those whose images are most like this one's, each image once.

    The image itself, shadows' answers and unusable images are left out. Empty where the prediction has no embedding.
    """
    vector = one.embedding_vector
    if vector is None:
        return []
    query = (
        sa.select(PredictionRow.prediction_id, PredictionRow.image_hash, PredictionRow.embedding)
        .where(
            PredictionRow.bundle_digest == one.bundle_digest,
            PredictionRow.arm != "shadow",
            PredictionRow.verdict != "unusable",
            PredictionRow.image_hash != one.image_hash,
            PredictionRow.embedding.is_not(None),
        )
        .order_by(PredictionRow.prediction_id.desc())
        .limit(NEWEST)
    )
    with store.read() as session:
        newest: dict[str, tuple[str, bytes]] = {}
        for prediction_id, image_hash, embedding in session.execute(query):
            if embedding is not None and len(embedding) == vector.nbytes:
                newest.setdefault(image_hash, (prediction_id, embedding))
    if not newest:
        return []
    ids = [prediction_id for prediction_id, _ in newest.values()]
    others = np.stack([np.frombuffer(embedding, "<f2") for _, embedding in newest.values()]).astype(np.float32)
    cosines = _cosines(others, vector.astype(np.float32))
    return [Similar(ids[place], float(cosines[place])) for place in np.argsort(-cosines, kind="stable")[:limit]]


def _cosines(rows: NDArray[np.float32], vector: NDArray[np.float32]) -> NDArray[np.float32]:
    """[N]; 0 where a vector is zero or not finite."""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        found = (rows @ vector) / (np.linalg.norm(rows, axis=1) * np.linalg.norm(vector))
    cosines: NDArray[np.float32] = np.clip(np.nan_to_num(found, nan=0.0, posinf=0.0, neginf=0.0), -1, 1)
    return cosines
