"""The places in the database and among the pictures."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, Session

from nevus.store.blobs.port import BlobStore
from nevus.store.chunks import chunks
from nevus.store.erasure.patient import PREFIX, Line, Patient, Place
from nevus.store.erasure.traces import Traces, traces
from nevus.store.picture_references import delete_pictures, unreferenced
from nevus.store.serving_tables import IdempotentAnswerRow, LabelRow, LesionAnswerRow, PredictionRow, SampleRow
from nevus.store.tables import FixedTestImageRow


def row_places(blobs: BlobStore) -> list[Place]:
    """In the order in which they must be erased: predictions last, for they lead to the rest."""
    return [
        _pictures(blobs),
        _idempotent_answers(),
        _table("lesion answers", "answers on lesions of several images", LesionAnswerRow.lesion_answer_id),
        _table("labels", "what people said the patient's images show", LabelRow.label_id),
        _fixed_test_images(),
        _table("samples", "labelled images for the next training", SampleRow.sample_id),
        _table("predictions", "answers, with embedding, evidence, age, sex and site", PredictionRow.prediction_id),
    ]


def _pictures(blobs: BlobStore) -> Place:
    def only_theirs(session: Session, patient: Patient) -> tuple[set[str], int]:
        found = traces(session, patient)
        free = unreferenced(session, found.pictures, besides={*found.predictions, *found.samples})
        return free, len(found.pictures) - len(free)

    def find(session: Session, patient: Patient) -> Line:
        free, shared = only_theirs(session, patient)
        there = sum(blobs.exists(key) for key in free)
        return Line("pictures", there, _left(shared, len(free) - there))

    def erase(session: Session, patient: Patient) -> Line:
        free, shared = only_theirs(session, patient)
        deleted = delete_pictures(blobs, free)
        return Line("pictures", deleted, _left(shared, len(free) - deleted))

    return Place("pictures", f"the stored pictures of predictions and samples, in {blobs.uri}", find, erase)


def _left(shared: int, missing: int) -> str:
    told = [f"{shared} stay: other patients' rows hold the same picture"] if shared else []
    return "; ".join([*told, *([f"{missing} that rows name were not there"] if missing else [])])


def _table(name: str, description: str, row_id: InstrumentedAttribute[str]) -> Place:
    def ids(found: Traces) -> Collection[str]:
        of: frozenset[str] = getattr(found, name.replace(" ", "_"))
        return of

    def find(session: Session, patient: Patient) -> Line:
        return Line(name, len(ids(traces(session, patient))))

    def erase(session: Session, patient: Patient) -> Line:
        gone = ids(traces(session, patient))
        for chunk in chunks(sorted(gone)):
            if row_id is LabelRow.label_id:  # labels point at each other
                session.execute(sa.update(LabelRow).where(LabelRow.superseded_by.in_(chunk)).values(superseded_by=None))
        for chunk in chunks(sorted(gone)):
            session.execute(sa.delete(row_id.class_).where(row_id.in_(chunk)))
        return Line(name, len(gone))

    return Place(name, description, find, erase)


def _idempotent_answers() -> Place:
    name, table = "kept answers", IdempotentAnswerRow

    def find(session: Session, patient: Patient) -> Line:
        return Line(name, len(traces(session, patient).idempotent_answers))

    def erase(session: Session, patient: Patient) -> Line:
        gone = traces(session, patient).idempotent_answers
        for key_id, key in gone:
            session.execute(sa.delete(table).where(table.key_id == key_id, table.idempotency_key == key))
        return Line(name, len(gone))

    return Place(name, "answers kept for requests that carry an Idempotency-Key", find, erase)


def _fixed_test_images() -> Place:
    """Groups are named after their patient. The images stay known as test, by hashes, without the name."""
    name, group = "names of test groups", FixedTestImageRow.group_id

    def mine(patient: Patient) -> Any:
        return group.endswith(f"/patient:{patient.key}", autoescape=True)

    def find(session: Session, patient: Patient) -> Line:
        count = session.scalar(sa.select(sa.func.count()).select_from(FixedTestImageRow).where(mine(patient)))
        return Line(name, count or 0)

    def erase(session: Session, patient: Patient) -> Line:
        line = find(session, patient)
        named = {"group_id": f"erased:{patient.hash[:PREFIX]}"}
        session.execute(
            sa.update(FixedTestImageRow)
            .where(mine(patient))
            .values(**named)
            .execution_options(synchronize_session=False)
        )
        return line

    return Place(name, "groups of fixed test images, which carry the patient's key", find, erase)
