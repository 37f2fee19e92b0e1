"""Batches: an answer or an error for each image, in the order in which they were sent."""

from __future__ import annotations

import base64
import csv
import io
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from serving_factory import Served, drawn

PATH = "/v1/predictions/batch"


def files(**images: bytes) -> list[tuple[str, tuple[str, bytes, str]]]:
    return [("images", (name, data, "image/jpeg")) for name, data in images.items()]


def test_one_broken_image_has_its_own_error_and_the_others_their_answers(served: Served) -> None:
    sent = {"a.jpg": drawn("nv", 0), "broken.jpg": drawn("nv", 1)[:900], "text.jpg": b"hello", "b.jpg": drawn("bcc", 1)}
    answered = served.post(PATH, files=files(**sent)).json()
    assert [one["name"] for one in answered["results"]] == list(sent)
    first, broken, text, last = answered["results"]
    assert first["prediction"]["p_malignant"] == served.predict(sent["a.jpg"])["p_malignant"]
    assert last["prediction"]["p_malignant"] == served.predict(sent["b.jpg"])["p_malignant"]
    assert (broken["error"]["status"], broken["error"]["reason"]) == (422, "truncated")
    assert (text["error"]["reason"], text["error"]["field"]) == ("not_an_image", "image")
    assert answered["totals"]["images"] == 4
    assert answered["totals"]["errors"] == 2
    assert sum(answered["totals"]["by_verdict"].values()) == 2
    assert sum(answered["totals"]["by_diagnosis"].values()) == 2


def test_every_answer_of_a_batch_can_be_read_back(served: Served) -> None:
    answered = served.post(PATH, files=files(**{f"{n}.jpg": drawn("mel", n) for n in range(4)})).json()
    for one in answered["results"]:
        stored = served.get(f"/v1/predictions/{one['prediction']['prediction_id']}").json()
        assert stored["probabilities"] == one["prediction"]["probabilities"]
        assert stored["request_id"] == answered["request_id"]
    listed = served.get("/v1/predictions", params={"request_id": answered["request_id"]}).json()
    assert len(listed["predictions"]) == 4


def test_metadata_goes_to_the_image_of_its_name(served: Served) -> None:
    told = [{"name": "b.jpg", "age": 71, "site": "back", "patient": "batch p"}, {"name": "c.jpg", "age": 700}]
    sent = files(**{name: drawn("nv", 0) for name in ("a.jpg", "b.jpg", "c.jpg")})
    a, b, c = served.post(PATH, files=sent, data={"metadata": json.dumps(told)}).json()["results"]
    assert (a["prediction"]["age"], a["prediction"]["reasons"][-1:]) == (None, ["metadata_missing"])
    assert (b["prediction"]["age"], b["prediction"]["site"]) == (71, "back")
    assert c["error"]["field"] == "age"
    found = served.get("/v1/predictions", params={"patient": "batch p"}).json()["predictions"]
    assert [one["prediction_id"] for one in found] == [b["prediction"]["prediction_id"]]


@pytest.mark.parametrize(
    "told", ["[", "{}", '[{"age": 3}]', '[{"name": "other.jpg"}]', '[{"name": "a.jpg"}, {"name": "a.jpg"}]', "[3]"]
)
def test_metadata_that_fits_no_image_is_refused(served: Served, told: str) -> None:
    answered = served.post(PATH, files=files(**{"a.jpg": drawn()}), data={"metadata": told})
    assert (answered.status_code, answered.json()["field"]) == (422, "metadata")


def test_json_gives_the_same_as_a_form_and_each_item_its_own_error(served: Served) -> None:
    image = base64.b64encode(drawn("df", 0)).decode()
    items = [
        {"name": "a", "image": image, "age": 50},
        {"image": "%%%"},
        {"age": 3},
        7,
        {"image": image, "age": 10**400},
        {"image": image, "labelled_by": "me"},
        {"image": image, "sex": "a\u0000b"},
    ]
    results = served.post(PATH, json={"items": items}).json()["results"]
    assert results[0]["name"] == "a"
    assert results[0]["prediction"]["p_malignant"] == served.predict(drawn("df", 0), age=50)["p_malignant"]
    assert [one["error"]["field"] for one in results[1:]] == ["image", "image", "items", "age", "labelled_by", "sex"]
    assert {one["error"]["status"] for one in results[1:]} == {422}


def test_a_table_has_one_line_an_image_errors_too(served: Served) -> None:
    sent = files(**{"=cmd.jpg": drawn("bkl", 0), "text.jpg": b"hello"})
    answered = served.post(PATH, files=sent, headers={"Accept": "text/csv"})
    good, bad = csv.DictReader(io.StringIO(answered.text))
    assert good["name"] == "'=cmd.jpg"
    assert float(good["p_malignant"]) == served.predict(drawn("bkl", 0))["p_malignant"]
    assert good["error_status"] == ""
    assert (bad["name"], bad["error_status"], bad["error_reason"]) == ("text.jpg", "422", "not_an_image")
    assert bad["prediction_id"] == ""


def test_a_repeated_key_repeats_the_answer_and_stores_nothing_twice(served: Served) -> None:
    sent = files(**{"a.jpg": drawn("nv", 4), "b.jpg": b"no image"})
    key = {"Idempotency-Key": "batch once"}
    first, second = (served.post(PATH, files=sent, headers=key).json() for _ in range(2))
    assert first == second
    listed = served.get("/v1/predictions", params={"request_id": first["request_id"]}).json()
    assert len(listed["predictions"]) == 1
    other = served.post(PATH, files=files(**{"a.jpg": drawn("nv", 5)}), headers=key)
    assert (other.status_code, other.json()["field"]) == (422, "Idempotency-Key")


def test_the_same_request_twice_at_once_has_one_answer(served: Served) -> None:
    sent = files(**{f"{n}.jpg": drawn("nv", n) for n in range(6)})
    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(served.post, PATH, files=sent, headers={"Idempotency-Key": "at once"}) for _ in range(4)]
        answered = [job.result() for job in jobs]
    assert [one.status_code for one in answered] == [200] * 4
    assert len({one.json()["request_id"] for one in answered}) == 1


@pytest.mark.parametrize("key", ["", " ", "x" * 201])
def test_a_key_that_is_none_is_refused(served: Served, key: str) -> None:
    answered = served.post(PATH, files=files(**{"a.jpg": drawn()}), headers={"Idempotency-Key": key})
    assert (answered.status_code, answered.json()["field"]) == (422, "Idempotency-Key")


@pytest.mark.parametrize(
    ("sent", "status", "field"),
    [
        ({"files": [("images", (f"{n}.jpg", b"x", "image/jpeg")) for n in range(10_000)]}, 422, "images"),
        ({"files": [("pictures", ("a.jpg", b"x", "image/jpeg"))]}, 422, "pictures"),
        ({"files": [("metadata", ("a.json", b"[]", "application/json"))]}, 422, "metadata"),
        ({"data": {"images": "text"}, "files": [("images", ("a.jpg", b"x", "image/jpeg"))]}, 422, "images"),
        ({"json": {"items": []}}, 422, "items"),
        ({"json": {"items": [{}] * 101}}, 422, "items"),
        ({"json": []}, 422, "body"),
        ({"content": b"{", "headers": {"Content-Type": "application/json"}}, 422, "body"),
        ({"content": b"\xff\xfe", "headers": {"Content-Type": "application/json"}}, 422, "body"),
        ({"content": b"x", "headers": {"Content-Type": "multipart/form-data"}}, 400, "body"),
        ({"content": b"x", "headers": {"Content-Type": "multipart/form-data; boundary=a"}}, 400, "body"),
        ({"content": b"x", "headers": {"Content-Type": "image/jpeg"}}, 415, "Content-Type"),
        ({"content": b"x"}, 415, "Content-Type"),
    ],
)
def test_a_batch_that_is_none_is_refused(served: Served, sent: dict, status: int, field: str) -> None:
    answered = served.post(PATH, **sent)
    assert answered.status_code == status, answered.text
    assert answered.headers["content-type"] == "application/problem+json"
    assert answered.json().get("field") == field


def test_names_that_lead_elsewhere_are_only_repeated(served: Served) -> None:
    answered = served.post(PATH, files=files(**{"../../etc/passwd": drawn()})).json()
    assert answered["results"][0]["name"] == "../../etc/passwd"
    assert "prediction" in answered["results"][0]


def test_a_version_that_is_not_loaded_ends_the_whole_batch(served: Served) -> None:
    answered = served.post(PATH, params={"model": "other/9"}, files=files(**{"a.jpg": drawn()}))
    assert (answered.status_code, answered.json()["field"]) == (404, "model")
