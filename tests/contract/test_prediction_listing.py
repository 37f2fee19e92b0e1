"""What lists of predictions promise: exactly what was asked for, the newest first, each one once."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import numpy as np
import pytest

from nevus.store.columns import now
from nevus.store.predictions import StoredPrediction
from nevus.store.predictions.filters import FilterError, PredictionFilter
from nevus.store.predictions.listing import iterate_predictions, list_predictions
from nevus.store.serving_tables import LabelRow, PredictionRow
from prediction_rows import NOON, add_predictions, image, numbered_id, prediction_row


def numbers(page):
    return [int(found.prediction_id[:8], 16) for found in page.predictions]


@pytest.fixture
def listed(store):
    """A function that gives the numbers of the predictions that a filter lets through."""
    return lambda **conditions: numbers(list_predictions(store, PredictionFilter(**conditions)))


def label(store, of, **changes):
    with store.write() as session:
        columns = {
            "label_id": f"label-{of}",
            "image_hash": image(of),
            "diagnosis": "mel",
            "malignant": True,
            "labelled_by": "Zoë",
            "created_at": now(),
        }
        session.add(LabelRow(**columns | changes))


def test_a_stored_prediction_has_every_column_as_it_was_written(store):
    row = prediction_row(1)
    assert set(row) == {column.key for column in PredictionRow.__table__.columns}
    add_predictions(store, row)
    (found,) = list_predictions(store).predictions
    lists = {name: tuple(row[name]) for name in ("reasons", "prediction_set", "notes")}
    assert found == StoredPrediction(**row | lists)
    np.testing.assert_array_equal(found.embedding_vector, np.array([1, 2], np.float16))
    np.testing.assert_array_equal(found.evidence_map, np.ones((2, 3), np.float16))


def test_what_is_unknown_of_an_unusable_image_is_none(store):
    empty = ("probabilities", "logits", "p_malignant", "diagnosis", "embedding", "evidence", "evidence_height")
    add_predictions(store, prediction_row(1, **dict.fromkeys(empty)))
    (found,) = list_predictions(store).predictions
    assert {getattr(found, name) for name in empty} == {None}
    assert (found.embedding_vector, found.evidence_map) == (None, None)


def test_each_condition_lets_through_what_it_names(store, listed):
    add_predictions(
        store,
        prediction_row(1, request_id="x", patient_hash="1" * 64),
        prediction_row(2, model="other", lesion_hash="2" * 64, p_malignant=None),
        prediction_row(3, version=None, bundle_digest="c" * 64, p_malignant=0.9),
        prediction_row(4, verdict="refer", created_at=NOON + timedelta(days=1), p_malignant=0.5),
        prediction_row(5, arm="shadow", shadow_of=numbered_id(4), verdict="unusable"),
        prediction_row(6, arm="challenger", version=2, created_at=NOON + timedelta(hours=12)),
    )
    assert listed() == [6, 4, 3, 2, 1]
    assert listed(ids=[numbered_id(1), numbered_id(3), "nothing"]) == [3, 1]
    assert listed(ids=[]) == []
    assert listed(request_id="x") == listed(patient_hash="1" * 64) == [1]
    assert listed(model="other") == listed(lesion_hash="2" * 64) == [2]
    assert listed(version=2) == [6]
    assert listed(bundle_digest="c" * 64) == [3]
    assert listed(verdicts=["refer", "unusable"]) == [4]
    assert listed(verdicts=["refer", "unusable"], arms=["champion", "shadow"]) == [5, 4]
    assert listed(p_min=0.5) == [4, 3]
    assert listed(p_max=0.5) == [6, 4, 1]
    assert listed(p_min=0.5, p_max=0.5) == [4]
    assert listed(day=date(2025, 11, 20)) == [3, 2, 1]
    assert listed(day=date(2025, 11, 21)) == [6, 4], "a day begins at midnight UTC, and midnight belongs to it"
    assert listed(since=NOON + timedelta(minutes=2), until=NOON + timedelta(hours=12)) == [3, 2]
    rome = timezone(timedelta(hours=1))
    assert listed(until=datetime(2025, 11, 20, 13, 2, tzinfo=rome)) == [1]
    assert listed(p_min=0.5, verdicts=["refer"], model="other") == []


def test_labelled_means_that_a_label_counts(store, listed):
    add_predictions(store, prediction_row(1), prediction_row(2), prediction_row(3, image_hash=image(1)))
    label(store, 1, label_id="new", confirmed_by="histology", diagnosis="bcc")
    label(store, 1, label_id="old", superseded_by="new")
    assert listed(labelled=True) == [3, 1]
    assert listed(labelled=False) == [2]
    page = list_predictions(store)
    assert [found.label and found.label.diagnosis for found in page.predictions] == ["bcc", None, "bcc"]


def test_pages_hold_each_prediction_once_while_others_are_made(store):
    add_predictions(store, *(prediction_row(n) for n in range(1, 8)))
    first = list_predictions(store, limit=3)
    add_predictions(store, prediction_row(8), prediction_row(9))
    second = list_predictions(store, limit=3, cursor=first.next_cursor)
    last = list_predictions(store, limit=3, cursor=second.next_cursor)
    assert [numbers(page) for page in (first, second, last)] == [[7, 6, 5], [4, 3, 2], [1]]
    assert last.next_cursor is None
    assert list_predictions(store, limit=9).next_cursor is None
    assert len(list(iterate_predictions(store))) == 9


@pytest.mark.parametrize(
    ("conditions", "field"),
    [
        ({"p_min": 1.5}, "p_min"),
        ({"p_max": float("nan")}, "p_max"),
        ({"version": 0}, "version"),
        ({"version": 10**30}, "version"),
        ({"verdicts": ["benign"]}, "verdicts"),
        ({"arms": ["left"]}, "arms"),
        ({"since": datetime(2026, 1, 1)}, "since"),
        ({"until": datetime.max.replace(tzinfo=timezone(timedelta(hours=-5)))}, "until"),
        ({"request_id": "a\x00b"}, "request_id"),
        ({"model": "\udc80"}, "model"),
        ({"ids": ["x"] * 501}, "ids"),
    ],
)
def test_a_condition_that_can_not_be_names_its_field(store, conditions, field):
    with pytest.raises(FilterError, match=f"^{field}: ") as refused:
        list_predictions(store, PredictionFilter(**conditions))
    assert refused.value.field == field


@pytest.mark.parametrize("cursor", ["", "x", "ü", "A" * 21, "A" * 23, "A" * 2000, "' OR 1=1 --", "\x00"])
def test_a_cursor_from_elsewhere_is_refused(store, cursor):
    with pytest.raises(FilterError, match=r"^cursor: .*begin without one"):
        list_predictions(store, cursor=cursor)


@pytest.mark.parametrize("limit", [0, -1, 501])
def test_a_page_has_1_to_500_rows(store, limit):
    with pytest.raises(FilterError, match=r"^limit: "):
        list_predictions(store, limit=limit)


def test_text_from_outside_is_never_read_as_sql(store, listed):
    add_predictions(store, prediction_row(1))
    odd = "' OR 1=1; DROP TABLE predictions; --"
    assert listed(request_id=odd) == listed(ids=[odd, "a\x00b"]) == listed(patient_hash=odd) == []
    assert listed(day=date.max) == listed(since=datetime.max.replace(tzinfo=UTC)) == []
    assert listed(day=date.min) == []
    assert listed() == [1]
