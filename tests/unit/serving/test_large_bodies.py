"""Large bodies: each within its limit, and all of them together within the memory that is meant for them."""

from __future__ import annotations

import base64

import pytest

from nevus.serving.body_budget import BodyBudget
from nevus.serving.errors import ProblemError
from serving_factory import drawn, serving


def test_bodies_are_held_until_they_are_too_many_and_again_when_some_are_gone():
    budget = BodyBudget(100)
    with budget.held(60):
        with pytest.raises(ProblemError) as refused, budget.held(41):
            pass
        assert refused.value.status == 429
        with budget.held(40):
            pass
    with budget.held(1000):  # one alone always fits: its own limit has let it in
        pass
    with budget.held(100):
        pass


@pytest.fixture
def small(tmp_path, serving_bundle):
    with serving(tmp_path / "home", serving_bundle, max_body_mb=0.1, max_bodies_mb=0.15, threads=1) as served:
        yield served


@pytest.mark.parametrize("route", ["/v1/predictions", "/v1/labels/bulk", "/v2/models/tiny/infer"])
def test_who_brings_too_much_beside_others_is_told_to_wait(small, route):
    def send(body):
        kind = {"/v1/predictions": "image/jpeg", "/v1/labels/bulk": "text/csv"}.get(route, "application/json")
        return small.post(route, content=body, headers={"Content-Type": kind})

    with small.service.bodies.held(100_000):  # somebody else's
        refused = send(iter([b"what isn't announced may become all that is allowed"]))
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) > 0
        assert send(b"announced, and small").status_code != 429
    assert send(iter([b"alone"])).status_code != 429
    assert small.service.bodies._held == 0


@pytest.mark.parametrize("form", [True, False])
def test_an_item_that_is_too_large_has_its_own_error(small, form):
    large = drawn("nv", 1) + bytes(100_000)
    if form:
        files = [("images", ("a.jpg", drawn("mel", 2))), ("images", ("b.jpg", large))]
        answered = small.post("/v1/predictions/batch", files=files)
    else:
        items = [{"image": base64.b64encode(image).decode()} for image in (drawn("mel", 2), large)]
        answered = small.post("/v1/predictions/batch", json={"items": items})
    first, second = answered.json()["results"]
    assert first["prediction"]["verdict"]
    assert (second["error"]["status"], second["error"]["field"]) == (413, "image")


def test_a_batch_as_json_is_smaller_than_one_as_files(small):
    items = [{"image": base64.b64encode(bytes(90_000)).decode()}] * 5
    assert small.post("/v1/predictions/batch", json={"items": items}).status_code == 413
    files = [("images", (f"{n}.jpg", drawn("nv", n) + bytes(80_000))) for n in range(7)]
    assert small.post("/v1/predictions/batch", files=files).json()["totals"]["errors"] == 0


def test_a_long_json_body_is_read_as_a_short_one(tmp_path, serving_bundle):
    image = drawn("nv", 1) + bytes(1_200_000)
    with serving(tmp_path / "home", serving_bundle) as served:
        answered = served.post("/v1/predictions", json={"image": base64.b64encode(image).decode(), "age": 40})
        assert answered.json()["age"] == 40
        wrong = served.post("/v1/predictions", json={"image": base64.b64encode(image).decode() + "?"})
        assert (wrong.status_code, wrong.json()["field"]) == (422, "image")
