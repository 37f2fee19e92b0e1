"""Samples whose text no column takes."""

from __future__ import annotations

import sqlalchemy as sa

from nevus.store.plain_text import storable
from nevus.store.samples.sample import NewSample, RejectedSample
from nevus.store.serving_tables import SampleRow


def unfit(sample: NewSample) -> RejectedSample | None:
    """The rejection of a sample with a text that is too long or holds NUL, which Postgres wouldn't take."""
    for field in NewSample.__dataclass_fields__:
        text = getattr(sample, field)
        kind = SampleRow.__table__.columns[field].type
        longest = kind.length if isinstance(kind, sa.String) else None
        if not isinstance(text, str):
            continue
        if not storable(text):
            return RejectedSample(sample.name, "bad_text", f"{field} holds a character that no text may hold.")
        if longest is not None and len(text) > longest:
            return RejectedSample(sample.name, "too_long", f"{field} has {len(text)} characters; {longest} fit.")
    return None
