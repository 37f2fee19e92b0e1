"""No picture stays behind whose answer was never given: nobody could find it by its patient."""

from __future__ import annotations

from pathlib import Path

import pytest

from nevus.serving.housekeeping import LOOSE_SECONDS, Housekeeping
from nevus.store.failures import StoreBusyError
from serving_factory import Served, drawn, serving

HEADERS = {"Content-Type": "image/jpeg"}


@pytest.fixture
def quiet(tmp_path: Path, serving_bundle: Path, monkeypatch: pytest.MonkeyPatch):
    """A service whose housekeeping waits to be called."""
    monkeypatch.setattr(Housekeeping, "start", lambda self: None)
    with serving(tmp_path / "home", serving_bundle) as served:
        yield served


def pictures(served: Served) -> int:
    return len(list((served.home / "blobs").rglob("*.jpg")))


def later(served: Served, monkeypatch: pytest.MonkeyPatch, seconds: float = LOOSE_SECONDS + 1) -> None:
    """Clean up, so much later."""
    now = served.service.blobs._clock()
    monkeypatch.setattr(served.service.blobs, "_clock", lambda: now + seconds)
    served.service.housekeeping.once()


def test_pictures_of_a_request_that_was_refused_go_and_those_of_answers_stay(quiet, monkeypatch):
    answered = quiet.predict(drawn("nv", 1))["prediction_id"]
    files = [("image", ("a.jpg", drawn("nv", 2))), ("image", ("b.jpg", drawn("mel", 3))), ("image", ("c.jpg", b"?"))]
    assert quiet.post("/v1/predictions", files=files).status_code == 422
    assert pictures(quiet) == 3
    later(quiet, monkeypatch, 10)
    assert pictures(quiet) == 3  # an answer may still be on its way
    later(quiet, monkeypatch)
    assert pictures(quiet) == 1
    assert quiet.get(f"/v1/predictions/{answered}/image").status_code == 200


def test_a_picture_that_another_answer_names_stays(quiet, monkeypatch):
    answered = quiet.predict(drawn("nv", 1))["prediction_id"]
    files = [("image", ("a.jpg", drawn("nv", 1))), ("image", ("c.jpg", b"?"))]
    assert quiet.post("/v1/predictions", files=files).status_code == 422
    later(quiet, monkeypatch)
    assert quiet.get(f"/v1/predictions/{answered}/image").status_code == 200


def test_a_picture_goes_whose_row_the_store_refused(quiet, monkeypatch):
    def refuse(*_: object, **__: object) -> None:
        raise StoreBusyError("held")

    with monkeypatch.context() as broken:
        broken.setattr(type(quiet.store), "append", refuse)
        assert quiet.post("/v1/predictions", content=drawn("nv", 4), headers=HEADERS).status_code == 503
    assert pictures(quiet) == 1
    later(quiet, monkeypatch)
    assert pictures(quiet) == 0


def test_answers_leave_nothing_to_remember(quiet):
    for number in range(3):
        quiet.predict(drawn("nv", number))
    quiet.post("/v1/predictions/batch", files=[("images", ("a.jpg", drawn("mel", 1)))])
    assert quiet.service.blobs._open == {}
