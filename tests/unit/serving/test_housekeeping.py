"""Retention while the service runs: what is too old goes, what is younger stays, and an absent store is waited for."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from nevus.serving import housekeeping
from nevus.serving.housekeeping import Housekeeping
from nevus.store.heartbeats import Heartbeat, beat
from nevus.store.serving_tables import HeartbeatRow, IdempotentAnswerRow, PredictionRow
from rollout_factory import wait_until
from serving_factory import Served, drawn, serving

DAY = timedelta(days=1)


def age(served: Served, prediction_id: str, days: float) -> str:
    """Make a prediction older, by its id and its time, and give its new id."""
    moment = datetime.now(UTC) - days * DAY
    digits = f"{int(moment.timestamp() * 1000):012x}"
    older = f"{digits[:8]}-{digits[8:]}{prediction_id[13:]}"
    with served.store.write() as session:
        here = PredictionRow.prediction_id == prediction_id
        session.execute(sa.update(PredictionRow).where(here).values(prediction_id=older, created_at=moment))
    return older


def status(served: Served, prediction_id: str, part: str = "") -> int:
    return int(served.get(f"/v1/predictions/{prediction_id}{part}").status_code)


def test_pictures_go_first_whole_answers_later_and_the_young_stay(
    tmp_path: Path, serving_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Housekeeping, "start", lambda self: None)
    with serving(
        tmp_path / "home", serving_bundle, retention_pictures_days=30, retention_predictions_days=365
    ) as served:
        ids = [served.predict(drawn("nv", number))["prediction_id"] for number in range(3)]
        young, middle, old = ids[0], age(served, ids[1], 31), age(served, ids[2], 366)
        beat(served.store, Heartbeat("i", datetime.now(UTC) - 91 * DAY, True))
        beat(served.store, Heartbeat("i", datetime.now(UTC) - 89 * DAY, True))
        served.service.housekeeping.once()
        assert (status(served, young), status(served, young, "/image")) == (200, 200)
        assert (status(served, middle), status(served, middle, "/image")) == (200, 404)
        assert status(served, old) == 404
        assert len(list((served.home / "blobs").rglob("*.jpg"))) == 1
        with served.store.read() as session:
            minutes = session.scalars(sa.select(HeartbeatRow.minute).where(HeartbeatRow.instance == "i")).all()
        assert [(datetime.now(UTC) - minute).days for minute in minutes] == [89]


def test_nothing_is_forgotten_unless_it_is_asked_for(own_service: Served) -> None:
    old = age(own_service, own_service.predict(drawn("nv"))["prediction_id"], 10_000)
    own_service.service.housekeeping.once()
    assert (status(own_service, old), status(own_service, old, "/image")) == (200, 200)


def test_an_answer_is_repeated_under_its_key_until_its_time_is_over(
    tmp_path: Path, serving_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Housekeeping, "start", lambda self: None)
    with serving(tmp_path / "home", serving_bundle, idempotency_hours=2, retention_predictions_days=365) as served:
        headers = {"Content-Type": "image/jpeg", "Idempotency-Key": "one"}

        def sent_after(hours: float) -> str:
            """The prediction that a repetition gets when the one before was so long ago."""
            with served.store.write() as session:
                session.execute(sa.update(IdempotentAnswerRow).values(created_at=datetime.now(UTC) - hours * DAY / 24))
            served.service.housekeeping.once()
            answered = served.post("/v1/predictions", content=drawn("nv"), headers=headers)
            return str(answered.json()["prediction_id"])

        first = sent_after(0)
        assert sent_after(1.9) == first
        second = sent_after(2.1)
        assert second != first
        assert (status(served, first), status(served, second)) == (200, 200)


def test_it_works_by_itself_and_goes_on_after_a_failure(
    tmp_path: Path, serving_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = [OSError("the store is away")]

    def sometimes(*arguments: object, **options: object) -> object:
        if failures:
            raise failures.pop()
        return apply(*arguments, **options)

    apply = housekeeping.apply_retention
    monkeypatch.setattr(housekeeping, "apply_retention", sometimes)
    with serving(tmp_path / "home", serving_bundle) as served:
        wait_until(lambda: not failures)
        old = age(served, served.predict(drawn("nv"))["prediction_id"], 2)
        settings = served.service.settings.model_copy(update={"retention_predictions_days": 1.0})
        assert served.service.blobs is not None
        hourly = Housekeeping(served.store, served.service.blobs, settings, served.service.log, every_seconds=0.05)
        failures.append(OSError("the store is away"))
        hourly.start()
        wait_until(lambda: status(served, old) == 404)
        hourly.close()
        assert failures == []


def test_what_a_killed_process_left_behind_goes_a_day_later(
    tmp_path: Path, serving_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Housekeeping, "start", lambda self: None)
    with serving(tmp_path / "home", serving_bundle) as served:
        answered = served.predict(drawn("nv"))["prediction_id"]
        blobs = served.home / "blobs"
        (kept,) = blobs.rglob("*.jpg")
        loose = blobs / "images" / "ab" / ("ab" * 32 + ".jpg")
        loose.parent.mkdir(exist_ok=True)
        loose.write_bytes(b"of somebody")
        (blobs / ".partial" / "cut-off").write_bytes(b"of somebody")
        served.service.housekeeping.once()
        assert loose.exists()
        for file in (kept, loose, blobs / ".partial" / "cut-off"):
            os.utime(file, (time.time() - 90_000,) * 2)
        served.service.housekeeping.once()
        assert [path.name for path in blobs.rglob("*") if path.is_file()] == [kept.name]
        assert status(served, answered, "/image") == 200
