"""What people say that images show."""

from __future__ import annotations

from datetime import date, datetime

from nevus.api.base import Answer


class LabelAnswer(Answer):
    """What somebody says an image shows."""

    label_id: str
    image_hash: str
    prediction_id: str | None = None
    diagnosis: str
    malignant: bool
    confirmed_by: str | None = None
    confirmed_on: date | None = None
    labelled_by: str
    note: str | None = None
    created_at: datetime
    superseded_by: str | None = None


class Labels(Answer):
    """All labels of an image, the newest first."""

    labels: list[LabelAnswer]


class LabelLine(Answer):
    """What became of one line of a table of labels: a label, or what is wrong with it."""

    line: int
    label: LabelAnswer | None = None
    error: str | dict[str, object] | None = None


class BulkLabels(Answer):
    """What became of a table of labels."""

    added: int
    results: list[LabelLine]
