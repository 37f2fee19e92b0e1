"""What goes by age and what stays, on every database."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from nevus.store import Store, entries, retention, verify
from nevus.store.blobs import FolderBlobs
from nevus.store.retention import RetentionSettings, Retired, apply_retention
from nevus.store.serving_tables import IdempotentAnswerRow, LabelRow, PredictionRow, SampleBatchRow, SampleRow
from patient_rows import START, batch, label, picture_key, prediction, sample

NOW = START + timedelta(days=100)
OLD, YOUNG = START, START + timedelta(days=95)


@pytest.fixture
def blobs(tmp_path: Path) -> FolderBlobs:
    return FolderBlobs(tmp_path / "blobs")


def fill(store: Store, blobs: FolderBlobs, *rows: dict, pictures: tuple[bytes, ...] = ()) -> None:
    with store.write() as session:
        session.execute(sa.insert(PredictionRow), list(rows))
    for picture in pictures:
        blobs.put(picture_key(picture), picture)


def held(store: Store) -> dict[str, str | None]:
    with store.read() as session:
        return dict(session.execute(sa.select(PredictionRow.prediction_id, PredictionRow.image_key)).all())


def test_old_pictures_go_and_their_answers_stay(store: Store, blobs: FolderBlobs) -> None:
    old, young = prediction(OLD, b"old"), prediction(YOUNG, b"young")
    fill(store, blobs, old, young, pictures=(b"old", b"young"))
    gone = apply_retention(store, blobs, RetentionSettings(pictures_days=10), at=NOW, by="nightly")
    assert gone == Retired(pictures=1, blobs=1)
    assert held(store) == {old["prediction_id"]: None, young["prediction_id"]: picture_key(b"young")}
    assert list(blobs.keys()) == [picture_key(b"young")]
    (entry,) = entries(store, action="retention.apply")
    assert (entry.actor, entry.details) == ("nightly", {"pictures": 1, "blobs": 1})
    assert verify(store).intact


def test_the_limit_itself_is_not_old(store: Store, blobs: FolderBlobs) -> None:
    before, at = prediction(NOW - timedelta(days=10, milliseconds=1)), prediction(NOW - timedelta(days=10))
    fill(store, blobs, before, at)
    assert apply_retention(store, blobs, RetentionSettings(predictions_days=10), at=NOW).predictions == 1
    assert list(held(store)) == [at["prediction_id"]]


def test_a_picture_that_a_younger_row_holds_stays_until_that_goes(store: Store, blobs: FolderBlobs) -> None:
    old, young = prediction(OLD, b"same"), prediction(YOUNG, b"same")
    fill(store, blobs, old, young, pictures=(b"same",))
    gone = apply_retention(store, blobs, RetentionSettings(pictures_days=10), at=NOW)
    assert (gone.pictures, gone.blobs) == (1, 0)
    assert blobs.get(picture_key(b"same")) == b"same"
    gone = apply_retention(store, blobs, RetentionSettings(pictures_days=10), at=NOW + timedelta(days=20))
    assert (gone.pictures, gone.blobs) == (1, 1)
    assert list(blobs.keys()) == []


def test_a_picture_that_is_also_a_sample_stays(store: Store, blobs: FolderBlobs) -> None:
    made = batch()
    fill(store, blobs, prediction(OLD, b"same"), pictures=(b"same",))
    with store.write() as session:
        session.execute(sa.insert(SampleBatchRow), [made])
        session.execute(sa.insert(SampleRow), [sample(made["batch_id"], b"same")])
    assert apply_retention(store, blobs, RetentionSettings(predictions_days=10), at=NOW).predictions == 1
    assert blobs.exists(picture_key(b"same"))


def test_whole_predictions_go_with_their_answers_and_labels_stay(store: Store, blobs: FolderBlobs) -> None:
    old, young = prediction(OLD, b"old"), prediction(YOUNG, b"young")
    fill(store, blobs, old, young, pictures=(b"old", b"young"))
    answers = [
        {
            "key_id": "k",
            "idempotency_key": name,
            "fingerprint": "f" * 64,
            "created_at": at,
            "status": 200,
            "body": b"{}",
        }
        for name, at in (("old", OLD), ("young", YOUNG))
    ]
    with store.write() as session:
        session.execute(sa.insert(LabelRow), [label(old)])
        session.execute(sa.insert(IdempotentAnswerRow), answers)
    gone = apply_retention(store, blobs, RetentionSettings(predictions_days=10), at=NOW)
    assert gone == Retired(pictures=1, blobs=1, predictions=1, answers=1)
    assert list(held(store)) == [young["prediction_id"]]
    with store.read() as session:
        assert session.scalars(sa.select(LabelRow.prediction_id)).all() == [old["prediction_id"]]
        assert session.scalars(sa.select(IdempotentAnswerRow.idempotency_key)).all() == ["young"]


def test_without_ages_nothing_goes_and_nothing_is_recorded(store: Store, blobs: FolderBlobs) -> None:
    fill(store, blobs, prediction(OLD, b"old"), pictures=(b"old",))
    assert apply_retention(store, blobs, RetentionSettings(), at=NOW) == Retired()
    assert len(list(blobs.keys())) == 1
    assert entries(store) == []


def test_many_batches_and_a_kill_between_leave_no_picture_behind(
    store: Store, blobs: FolderBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "_BATCH", 3)
    pictures = [b"%d" % (number // 2) for number in range(20)]  # each twice, now and then across two batches
    fill(store, blobs, *(prediction(OLD, picture) for picture in pictures), pictures=tuple(pictures))
    write, left = Store.write, iter([True, True])

    def killed(self: Store):
        if next(left, None) is None:
            raise KeyboardInterrupt
        return write(self)

    with monkeypatch.context() as patched:
        patched.setattr(Store, "write", killed)
        with pytest.raises(KeyboardInterrupt):
            apply_retention(store, blobs, RetentionSettings(pictures_days=10), at=NOW)
    assert 0 < sum(key is not None for key in held(store).values()) < 20
    apply_retention(store, blobs, RetentionSettings(pictures_days=10), at=NOW)
    assert set(held(store).values()) == {None}
    assert list(blobs.keys()) == []


def kept_answer(name: str, at: datetime) -> dict:
    return {"key_id": "k", "idempotency_key": name, "fingerprint": "f" * 64, "created_at": at, "status": 200} | {
        "body": b"{}"
    }


def test_kept_answers_go_by_their_own_age_however_many_they_are(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "_ANSWERS_AT_ONCE", 4)
    rows = [kept_answer(f"old {number}", NOW - timedelta(hours=24, seconds=number + 1)) for number in range(12)]
    rows += [kept_answer("at", NOW - timedelta(hours=24)), kept_answer("young", NOW)]
    with store.write() as session:
        session.execute(sa.insert(PredictionRow), [prediction(OLD)])
        session.execute(sa.insert(IdempotentAnswerRow), rows)
    assert retention.forget_kept_answers(store, before=NOW - timedelta(hours=24)) == 12
    assert retention.forget_kept_answers(store, before=NOW - timedelta(hours=24)) == 0
    with store.read() as session:
        assert set(session.scalars(sa.select(IdempotentAnswerRow.idempotency_key))) == {"at", "young"}
    assert len(held(store)) == 1
    assert entries(store) == []
