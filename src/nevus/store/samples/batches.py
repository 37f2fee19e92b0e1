"""Uploads of samples: stored whole, with how much was rejected and why; an image is a sample once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict

import sqlalchemy as sa
from sqlalchemy.orm import Session

from nevus.store import audit
from nevus.store.chunks import chunks
from nevus.store.columns import now
from nevus.store.database import Store
from nevus.store.ids import new_id
from nevus.store.plain_text import made_storable, storable
from nevus.store.samples.sample import DUPLICATE, NewSample, RejectedSample, Sample, SampleBatch, SampleError
from nevus.store.samples.unfit import unfit
from nevus.store.serving_tables import SampleBatchRow, SampleRow
from nevus.taxonomy import DIAGNOSES, UNKNOWN, check_codes

MOST_ROWS = 500


def add_batch(
    store: Store,
    accepted: Sequence[NewSample],
    rejected: Sequence[RejectedSample] = (),
    *,
    by: str,
    key_id: str | None = None,
) -> tuple[SampleBatch, list[RejectedSample]]:
    """Store an upload. Of an image that is a sample already, or comes twice, the first one stays.

    Returns:
        the upload, and everything that wasn't taken.

    Args:
        store: where it goes.
        accepted: what passed the checks.
        rejected: what didn't; duplicates are added to it.
        by: the owner of the API key that uploads.
        key_id: that key.

    Raises:
        InputError: a diagnosis isn't one of the taxonomy's; nothing is stored.
    """
    check_codes({sample.diagnosis for sample in accepted})
    batch_id, at = new_id(), now()
    with store.write() as session:
        known = _known(session, [sample.image_hash for sample in accepted])
        rows, turned_away = [], list(rejected)
        for sample in accepted:
            refused = unfit(sample) or _duplicate(sample, known)
            if refused is not None:
                turned_away.append(refused)
                continue
            sample_id = new_id()
            rows.append({**_columns(sample), "sample_id": sample_id, "batch_id": batch_id, "created_at": at})
            known[sample.image_hash] = sample_id, sample.name
        batch = SampleBatchRow(
            batch_id=batch_id,
            created_at=at,
            uploaded_by=by,
            key_id=key_id,
            accepted=len(rows),
            rejected=dict(Counter(made_storable(one.reason) for one in turned_away)),
        )
        session.add(batch)
        session.flush()
        if rows:
            session.execute(sa.insert(SampleRow), rows)
        told = {"accepted": len(rows), "rejected": len(turned_away)}
        audit.record(session, actor=by, action="samples.added", subject=f"samples/{batch_id}", details=told)
        return SampleBatch.from_row(batch), turned_away


def list_batches(store: Store, *, before: str | None = None, limit: int = 50) -> list[SampleBatch]:
    """Uploads, the newest first; with `before`, those made before the upload of this id."""
    query = sa.select(SampleBatchRow).order_by(SampleBatchRow.batch_id.desc())
    if before is not None:
        query = query.where(SampleBatchRow.batch_id < _checked_id("before", before))
    with store.read() as session:
        return [SampleBatch.from_row(row) for row in session.scalars(query.limit(_checked_limit(limit)))]


def list_samples(
    store: Store, *, batch_id: str | None = None, before: str | None = None, limit: int = 100
) -> list[Sample]:
    """Samples, the newest first; of one upload, or those made before the sample of an id, if asked."""
    query = sa.select(SampleRow).order_by(SampleRow.sample_id.desc())
    if batch_id is not None:
        query = query.where(SampleRow.batch_id == _checked_id("batch_id", batch_id))
    if before is not None:
        query = query.where(SampleRow.sample_id < _checked_id("before", before))
    with store.read() as session:
        return [Sample.from_row(row) for row in session.scalars(query.limit(_checked_limit(limit)))]


def _known(session: Session, hashes: Sequence[str]) -> dict[str, tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {}
    for chunk in chunks(sorted(set(hashes))):
        query = sa.select(SampleRow.image_hash, SampleRow.sample_id, SampleRow.name)
        found |= {
            row.image_hash: (row.sample_id, row.name)
            for row in session.execute(query.where(SampleRow.image_hash.in_(chunk)))
        }
    return found


def _duplicate(sample: NewSample, known: Mapping[str, tuple[str, str]]) -> RejectedSample | None:
    if sample.image_hash not in known:
        return None
    sample_id, name = known[sample.image_hash]
    return RejectedSample(sample.name, DUPLICATE, f"the same image is the sample {sample_id} ({name}) already.")


def _columns(sample: NewSample) -> dict[str, object]:
    malignant = sample.malignant
    if malignant is None and sample.diagnosis != UNKNOWN:
        malignant = DIAGNOSES[sample.diagnosis].malignant
    return asdict(sample) | {"malignant": malignant, "warnings": list(sample.warnings)}


def _checked_id(field: str, text: str) -> str:
    if not storable(text):
        raise SampleError(field, "holds a character that no id may hold.")
    return text


def _checked_limit(limit: int) -> int:
    if not 1 <= limit <= MOST_ROWS:
        raise SampleError("limit", f"must lie between 1 and {MOST_ROWS}.")
    return limit
