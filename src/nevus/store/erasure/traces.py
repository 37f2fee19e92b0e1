"""The rows that belong to a patient: by the keyed hash, and through pictures and requests that lead to them."""

from __future__ import annotations

import re
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from nevus.store.chunks import chunks
from nevus.store.erasure.patient import Patient
from nevus.store.serving_tables import IdempotentAnswerRow, LabelRow, LesionAnswerRow, PredictionRow, SampleRow

_ID = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")


@dataclass(frozen=True)
class Traces:
    """Ids of a patient's rows, and the keys of the pictures that they hold."""

    predictions: frozenset[str]
    lesion_answers: frozenset[str]
    labels: frozenset[str]
    samples: frozenset[str]
    idempotent_answers: frozenset[tuple[str, str]]
    pictures: frozenset[str]


def traces(session: Session, patient: Patient) -> Traces:
    """Everything in the database that leads back to the patient.

    A picture of the patient's that was also sent without a key is the patient's too; one that was sent under another
    patient's key stays with that one.
    """
    hashes = {
        image_hash
        for table in (PredictionRow, SampleRow)
        for image_hash in session.scalars(sa.select(table.image_hash).where(table.patient_hash == patient.hash))
    }
    predictions: dict[str, str | None] = {}
    samples: dict[str, str | None] = {}
    for found, row_id, table in (
        (predictions, PredictionRow.prediction_id, PredictionRow),
        (samples, SampleRow.sample_id, SampleRow),
    ):
        query = sa.select(row_id, table.image_key)
        found |= {row[0]: row[1] for row in session.execute(query.where(table.patient_hash == patient.hash))}
        for chunk in chunks(sorted(hashes)):
            same = query.where(table.patient_hash.is_(None), table.image_hash.in_(chunk))
            found |= {row[0]: row[1] for row in session.execute(same)}
    shadows = sa.select(PredictionRow.prediction_id, PredictionRow.image_key)
    for chunk in chunks(sorted(predictions)):
        predictions |= {row[0]: row[1] for row in session.execute(shadows.where(PredictionRow.shadow_of.in_(chunk)))}
    answers = _lesion_answers(session, patient, set(predictions))
    return Traces(
        frozenset(predictions),
        frozenset(answers),
        frozenset(_labels(session, patient, set(predictions), hashes)),
        frozenset(samples),
        frozenset(_idempotent_answers(session, {*predictions, *answers})),
        frozenset(key for key in (*predictions.values(), *samples.values()) if key),
    )


def _lesion_answers(session: Session, patient: Patient, predictions: set[str]) -> set[str]:
    rows = session.execute(
        sa.select(LesionAnswerRow.lesion_answer_id, LesionAnswerRow.patient_hash, LesionAnswerRow.prediction_ids)
    )
    return {row[0] for row in rows if row[1] == patient.hash or not predictions.isdisjoint(row[2])}


def _labels(session: Session, patient: Patient, predictions: set[str], hashes: set[str]) -> set[str]:
    found = set(session.scalars(sa.select(LabelRow.label_id).where(LabelRow.patient_hash == patient.hash)))
    for column, values in ((LabelRow.prediction_id, predictions), (LabelRow.image_hash, hashes)):
        for chunk in chunks(sorted(values)):
            others = sa.or_(LabelRow.patient_hash.is_(None), LabelRow.patient_hash == patient.hash)
            found |= set(session.scalars(sa.select(LabelRow.label_id).where(column.in_(chunk), others)))
    return found


def _idempotent_answers(session: Session, ids: set[str]) -> set[tuple[str, str]]:
    """Answers that name one of the ids; they have no column for it, so their bodies are read."""
    if not ids:
        return set()
    table = IdempotentAnswerRow
    rows = session.execute(sa.select(table.key_id, table.idempotency_key, table.body).execution_options(yield_per=200))
    return {(row[0], row[1]) for row in rows if any(found.decode() in ids for found in _ID.findall(row[2]))}
