"""Which predictions are meant: a filter of many conditions, all of which must hold."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import sqlalchemy as sa

from nevus.bundle.verdict import VERDICTS
from nevus.errors import InputError
from nevus.store.plain_text import storable
from nevus.store.serving_tables import ARMS, LabelRow, PredictionRow

MOST_IDS = 500
_LARGEST_VERSION = 2**31 - 1
_SHOWN = tuple(arm for arm in ARMS if arm != "shadow")
_TEXTS = ("request_id", "model", "bundle_digest", "patient_hash", "lesion_hash")


class FilterError(InputError):
    """A condition can't be; `field` is its name."""

    def __init__(self, field: str, said: str) -> None:
        super().__init__(f"{field}: {said}")
        self.field = field


@dataclass(frozen=True)
class PredictionFilter:
    """Conditions on predictions; None asks nothing.

    ids: at most 500. day: in UTC. since: from this moment on; until: before this one. p_min, p_max: bounds of
    p_malignant, both included. labelled: whether a label counts for the image. arms: all but shadow unless named.
    """

    ids: Collection[str] | None = None
    request_id: str | None = None
    day: date | None = None
    since: datetime | None = None
    until: datetime | None = None
    model: str | None = None
    version: int | None = None
    bundle_digest: str | None = None
    verdicts: Collection[str] | None = None
    p_min: float | None = None
    p_max: float | None = None
    labelled: bool | None = None
    arms: Collection[str] | None = None
    patient_hash: str | None = None
    lesion_hash: str | None = None

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        """What a query over predictions, with the counting labels joined, must ask.

        Raises:
            FilterError: a condition that no database could be asked, or that nothing could ever fulfil.
        """
        return [*self._by_text(), *self._by_time(), *self._by_lists(), *self._by_figures()]

    def _by_text(self) -> Iterator[sa.ColumnElement[bool]]:
        for field in _TEXTS:
            value = getattr(self, field)
            if value is not None:
                if not storable(value):
                    raise FilterError(field, "holds a character that no text may hold.")
                yield getattr(PredictionRow, field) == value

    def _by_time(self) -> Iterator[sa.ColumnElement[bool]]:
        since, until = (_in_utc(field, getattr(self, field)) for field in ("since", "until"))
        if self.day is not None:
            begin = datetime.combine(self.day, time(), UTC)
            yield PredictionRow.created_at >= begin
            if self.day < date.max:
                yield PredictionRow.created_at < begin + timedelta(days=1)
        if since is not None:
            yield PredictionRow.created_at >= since
        if until is not None:
            yield PredictionRow.created_at < until

    def _by_lists(self) -> Iterator[sa.ColumnElement[bool]]:
        if self.ids is not None:
            if len(self.ids) > MOST_IDS:
                raise FilterError("ids", f"there are {len(self.ids)}; ask for {MOST_IDS} at most.")
            yield PredictionRow.prediction_id.in_([one for one in self.ids if storable(one)])
        if self.verdicts is not None:
            yield PredictionRow.verdict.in_(_among("verdicts", self.verdicts, VERDICTS))
        yield PredictionRow.arm.in_(_SHOWN if self.arms is None else _among("arms", self.arms, ARMS))

    def _by_figures(self) -> Iterator[sa.ColumnElement[bool]]:
        if self.version is not None:
            if not 1 <= self.version <= _LARGEST_VERSION:
                raise FilterError("version", f"must lie between 1 and {_LARGEST_VERSION}.")
            yield PredictionRow.version == self.version
        for field in ("p_min", "p_max"):
            value = getattr(self, field)
            if value is not None and not (math.isfinite(value) and 0 <= value <= 1):
                raise FilterError(field, "is a probability, between 0 and 1.")
        if self.p_min is not None:
            yield PredictionRow.p_malignant >= self.p_min
        if self.p_max is not None:
            yield PredictionRow.p_malignant <= self.p_max
        if self.labelled is not None:
            yield LabelRow.label_id.is_not(None) if self.labelled else LabelRow.label_id.is_(None)


def _in_utc(field: str, value: datetime | None) -> datetime | None:
    if value is None:
        return None
    if value.tzinfo is None:
        raise FilterError(field, "has no time zone; write it as 2026-11-21T08:00:00Z.")
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise FilterError(field, "lies outside the years 1 to 9999.") from None


def _among(field: str, named: Collection[str], known: Collection[str]) -> list[str]:
    strange = sorted(set(named) - set(known))
    if strange:
        raise FilterError(field, f"there is no {strange[0]!r}; there is {', '.join(known)}.")
    return sorted(named)
