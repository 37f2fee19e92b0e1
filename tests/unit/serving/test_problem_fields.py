"""What is wrong with a request is named: every route that reads a body or a query, and every kind of bad input."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from nevus.serving import ServingSettings, create_app
from nevus.store import StoreSettings, open_store
from rollout_factory import approved, register, wait_until
from serving_factory import Served, drawn, tiny_bundle

UNKNOWN = "0193e4b0-0000-7000-8000-000000000000"
JSON_ROUTES = [
    ("POST", "/v1/predictions"),
    ("POST", "/v1/predictions/batch"),
    ("POST", "/v1/labels"),
    ("POST", "/v1/models/tiny/1/approve"),
    ("POST", "/v1/models/tiny/1/promote"),
    ("POST", "/v1/models/tiny/1/challenge"),
    ("POST", "/v1/models/tiny/1/retire"),
    ("POST", "/v1/models/tiny/rollback"),
    ("PUT", "/v1/rollout"),
]
FORM_ROUTES = ["/v1/predictions", "/v1/predictions/batch", "/v1/labels/bulk", "/v1/samples"]
OPTION = re.compile(r"(?<!\S)--?[a-z]")
"""Of a command line; who asks over HTTP has none."""


def refused(answered: Any, status: int | set[int]) -> dict[str, Any]:
    """The problem document, whose field isn't empty and whose words are for who asks over HTTP."""
    assert answered.status_code in ({status} if isinstance(status, int) else status), answered.text
    assert answered.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = answered.json()
    assert document.get("field"), document
    assert all(one["field"] for one in document.get("errors", [])), document
    assert not OPTION.search(document["detail"]), document
    return document


BAD_JSON = {
    "broken": b'{"note": ',
    "no JSON": b"hello",
    "empty": b"",
    "not UTF-8": b'{"note": "\xff\xfe", "diagnosis": "\xff"}',
    "UTF-16": '{"note": "x"}'.encode("utf-16"),
    "too deep": b"[" * 100_000,
    "a list": b"[1]",
    "a number": b"7",
    "an empty name": b'{"": 1}',
    "an unknown name": b'{"surprise": 1}',
    "a surrogate": b'{"note": "\\ud800", "image": "\\ud800", "diagnosis": "\\ud800", "model": "\\ud800"}',
    "a number beyond measure": b'{"note": 1' + b"0" * 5000 + b"}",
}
MAY_BE_EMPTY = re.compile("/(promote|challenge|retire|rollback)$")


@pytest.mark.parametrize("kind", BAD_JSON)
@pytest.mark.parametrize(("method", "path"), JSON_ROUTES, ids=" ".join)
def test_json_that_is_not_what_it_should_be(served: Served, method: str, path: str, kind: str) -> None:
    if kind == "empty" and MAY_BE_EMPTY.search(path):
        return  # no body is fine there
    headers = served.headers("admin", **{"Content-Type": "application/json"})
    document = refused(served.client.request(method, path, content=BAD_JSON[kind], headers=headers), {400, 422})
    if kind in ("broken", "no JSON", "empty", "not UTF-8", "UTF-16", "too deep", "a list", "a number"):
        assert document["field"] == "body"
    if kind == "an unknown name":
        assert "surprise" in [one["field"] for one in document["errors"]]


@pytest.mark.parametrize("path", [*FORM_ROUTES])
@pytest.mark.parametrize(
    ("kind", "body", "status", "field"),
    [
        ("text/plain", b"x", 415, "Content-Type"),
        ("", b"x", 415, "Content-Type"),
        ("multipart/form-data", b"x", 400, "body"),
        ("multipart/form-data; boundary=b", b"--b\r\nno head", 400, "body"),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name=""\r\n\r\nx\r\n--b--',
            422,
            "body",
        ),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="q"\r\n\r\nx\r\n--b--',
            422,
            "q",
        ),
        ("multipart/form-data; boundary=b", b"--b--\r\n", 422, None),
    ],
)
def test_forms_that_are_none(served: Served, path: str, kind: str, body: bytes, status: int, field: str | None) -> None:
    document = refused(served.post(path, content=body, headers={"Content-Type": kind}), status)
    assert field is None or document["field"] == field


@pytest.mark.parametrize(
    ("method", "path", "field"),
    [
        ("POST", "/v1/predictions?patient=%20%20", "patient"),
        ("POST", "/v1/predictions?lesion=%09", "lesion"),
        ("POST", "/v1/predictions?age=old", "age"),
        ("POST", "/v1/predictions?age=nan", "age"),
        ("POST", "/v1/predictions?surprise=1", "surprise"),
        ("POST", "/v1/predictions?sex=%00", "sex"),
        ("GET", "/v1/predictions?patient=%20", "patient"),
        ("GET", "/v1/predictions?patient=p&lesion=%20", "lesion"),
        ("GET", "/v1/predictions?limit=0", "limit"),
        ("GET", "/v1/predictions?cursor=x", "cursor"),
        ("GET", "/v1/predictions?from=yesterday", "from"),
        ("GET", "/v1/predictions?verdict=fine", "verdict.0"),
        ("GET", f"/v1/predictions?{'id=x&' * 600}", "id"),
        ("GET", "/v1/worklist?cursor=x", "cursor"),
        ("GET", "/v1/labels", "image_hash"),
        ("GET", "/v1/samples/batches?limit=0", "limit"),
        ("GET", "/v1/samples/batches?before=%00", "before"),
        ("GET", "/v1/rollout/comparison?from=2026-01-01T00:00:00", "from"),
        ("GET", f"/v1/predictions/{UNKNOWN}/evidence?opacity=2", "opacity"),
        ("GET", f"/v1/predictions/{UNKNOWN}/similar?limit=0", "limit"),
    ],
)
def test_queries_that_mean_nothing(served: Served, method: str, path: str, field: str) -> None:
    sent = {"content": drawn()} if method == "POST" else {}
    headers = served.headers("admin", **{"Content-Type": "image/jpeg"})
    assert refused(served.client.request(method, path, headers=headers, **sent), 422)["field"] == field


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "field"),
    [
        ("GET", f"/v1/predictions/{UNKNOWN}", None, 404, "prediction_id"),
        ("GET", f"/v1/predictions/{UNKNOWN}/image", None, 404, "prediction_id"),
        ("GET", f"/v1/labels?prediction_id={UNKNOWN}", None, 404, "prediction_id"),
        ("POST", "/v1/labels", {"prediction_id": UNKNOWN, "diagnosis": "mel"}, 404, "prediction_id"),
        ("POST", "/v1/labels", {"image_hash": "0" * 64, "diagnosis": "mel"}, 404, "image_hash"),
        ("POST", "/v1/labels", {"prediction_id": UNKNOWN, "diagnosis": "wart?"}, 422, "diagnosis"),
        ("POST", "/v1/predictions", {"image": "####"}, 422, "image"),
        ("POST", "/v1/predictions", {"images": ["", "####"]}, 422, "images.1"),
        ("POST", "/v1/predictions", {"image": "", "patient": "  "}, 422, "patient"),
        ("POST", "/v1/predictions", {}, 422, "image"),
        ("POST", "/v1/predictions/batch", {"items": []}, 422, "items"),
        ("POST", "/v1/predictions/batch?model=tiny/9", {"items": [{"image": ""}]}, 404, "model"),
        ("POST", "/v1/models/nobody/1/promote", {}, 404, "model"),
        ("POST", "/v1/models/nobody/rollback", {}, 404, "model"),
        ("POST", "/v1/models/tiny/1/approve", {"note": ""}, 422, "note"),
        ("PUT", "/v1/rollout", {"model": "nobody"}, 404, "model"),
        ("PUT", "/v1/rollout", {"challenger_share": 0.1}, 409, "model"),
        ("PUT", "/v1/rollout", {"challenger_share": 2}, 422, "challenger_share"),
    ],
)
def test_what_there_is_not_or_can_not_be(
    served: Served, method: str, path: str, body: Any, status: int, field: str
) -> None:
    sent = {} if body is None else {"json": body}
    answered = served.client.request(method, path, headers=served.headers("admin"), **sent)
    assert refused(answered, status)["field"] == field


def test_items_of_a_batch_and_lines_of_a_table_name_their_field_too(served: Served) -> None:
    items = [{"image": "####"}, {"image": "", "patient": " "}, {"image": "", "": 1}, 7, {}, {"image": "", "age": "x"}]
    answered = served.post("/v1/predictions/batch", json={"items": items})
    errors = [one["error"]["field"] for one in answered.json()["results"]]
    assert errors == ["image", "patient", "body", "items", "image", "age"]
    table = f"prediction_id,diagnosis,confirmed_on\n{UNKNOWN},mel,\n{UNKNOWN},wart?,\n{UNKNOWN},mel,soon\n"
    bulk = served.post("/v1/labels/bulk", content=table, headers={"Content-Type": "text/csv"})
    assert [one["error"]["field"] for one in bulk.json()["results"]] == ["prediction_id", "diagnosis", "confirmed_on"]


def test_who_asks_a_service_without_a_model_is_told_no_options(tmp_path: Path) -> None:
    with open_store(StoreSettings(home=tmp_path)) as store:
        app = create_app(store, tmp_path, ServingSettings(follow_seconds=0.1))
        with TestClient(app) as client:
            wait_until(lambda: app.state.service.failure is not None)
            answered = client.get("/ready")
    assert (answered.status_code, "no model to serve" in answered.text) == (503, True)
    assert not OPTION.search(answered.json()["detail"])


def test_versions_whose_state_forbids_it_are_refused_in_words_for_http(own_service: Served, tmp_path: Path) -> None:
    def say(path: str, body: dict[str, str]) -> dict[str, Any]:
        return refused(own_service.post(f"/v1/models/tiny/{path}", "admin", json=body), 409)

    register(own_service.store, tiny_bundle(tmp_path / "rejected"), passed=False)
    approved(own_service.store, tiny_bundle(tmp_path / "other", gain=3.0))
    assert say("1/approve", {"note": "n"})["field"] == "override"
    rejected = say("1/promote", {})
    assert (rejected["field"], rejected["reasons"]) == ("model", ["floor: too low"])
    assert "Possible now: approve, retire" in rejected["detail"]
    assert say("2/approve", {"note": "n"})["field"] == "model"
    assert say("2/challenge", {})["field"] == "model"
    assert say("rollback", {})["field"] == "model"
    assert say("1/load", {})["field"] == "model"
    assert say("2/unload", {})["field"] == "model"
