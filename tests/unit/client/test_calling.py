"""What the client makes of refusals, silence and strange answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

import httpx2
import pytest

from nevus.client import Client, ClientError, UnreachableError

ME = {"name": "Ada", "role": "clinician", "key_id": "k1"}
LABEL = {
    "label_id": "l",
    "image_hash": "h",
    "diagnosis": "mel",
    "malignant": True,
    "labelled_by": "Ada",
    "created_at": "2026-11-21T10:00:00Z",
}


def answering(responses: Iterable[httpx2.Response], **options: object) -> tuple[Client, list[httpx2.Request]]:
    """A client of a service that gives these answers in turn, and the requests that it got."""
    given, asked = iter(responses), []

    def handle(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        return next(given)

    return Client("http://nevus.test", transport=httpx2.MockTransport(handle), **options), asked


def busy(status: int = 429, **headers: str) -> httpx2.Response:
    body = {"title": "Too Many Requests", "status": status, "detail": "the queue is full.", "field": "image"}
    return httpx2.Response(status, json=body, headers=headers)


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that were waited, without waiting them."""
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    return waits


def test_a_reading_request_is_sent_again_after_the_time_named(slept: list[float]) -> None:
    client, asked = answering([busy(**{"Retry-After": "2"}), busy(503, **{"Retry-After": "1"}), _ok(ME)])
    assert client.me().name == "Ada"
    assert slept == [2.0, 1.0]
    assert len(asked) == 3


def test_a_writing_request_is_not_sent_twice_by_itself(slept: list[float]) -> None:
    client, asked = answering([busy(**{"Retry-After": "2"}), _ok(LABEL)])
    with pytest.raises(ClientError) as caught:
        client.label("mel", prediction_id="p")
    assert (caught.value.status, caught.value.retry_after) == (429, 2.0)
    assert len(asked) == 1
    assert slept == []


def test_a_prediction_under_an_idempotency_key_is_sent_again_with_the_same_key_and_image(slept: list[float]) -> None:
    client, asked = answering([busy(503, **{"Retry-After": "0"}), busy(422)])
    with pytest.raises(ClientError):
        client.predict(b"\xff\xd8\xffpixels", idempotency_key="once")
    assert [request.headers["idempotency-key"] for request in asked] == ["once", "once"]
    assert [request.content for request in asked] == [b"\xff\xd8\xffpixels"] * 2


@pytest.mark.parametrize("headers", [{}, {"Retry-After": "3600"}])
def test_no_time_or_a_long_one_is_told_to_the_caller_instead_of_waited(
    slept: list[float], headers: dict[str, str]
) -> None:
    client, _ = answering([busy(**headers), _ok(ME)])
    with pytest.raises(ClientError) as caught:
        client.me()
    assert caught.value.retry_after == (3600.0 if headers else None)
    assert slept == []


def test_it_gives_up_after_four_attempts(slept: list[float]) -> None:
    client, asked = answering([busy(**{"Retry-After": "1"})] * 9)
    with pytest.raises(ClientError):
        client.me()
    assert len(asked) == 4


def test_a_refusal_carries_the_problem_document() -> None:
    client, _ = answering([busy(422)])
    with pytest.raises(ClientError, match="the queue is full") as caught:
        client.predict(b"x")
    problem = caught.value.problem
    assert problem is not None
    assert (problem.field, problem.status) == ("image", 422)


def test_a_refusal_without_a_document_keeps_its_status() -> None:
    client, _ = answering([httpx2.Response(502, text="<html>a proxy speaks</html>")])
    with pytest.raises(ClientError, match="Bad Gateway") as caught:
        client.models()
    assert (caught.value.status, caught.value.problem) == (502, None)


def test_an_answer_of_something_else_is_told_so() -> None:
    client, _ = answering([httpx2.Response(200, text="<html>hello</html>")])
    with pytest.raises(ClientError, match="something else than Me"):
        client.me()


def test_no_service_at_the_address_is_an_error_of_its_own() -> None:
    with Client("http://127.0.0.1:1", timeout=2) as client, pytest.raises(UnreachableError, match=r"127\.0\.0\.1:1"):
        client.health()


def test_the_key_travels_as_a_bearer_and_without_one_there_is_no_header() -> None:
    for key, wanted in (("nevus_k_secret", "Bearer nevus_k_secret"), (None, None)):
        client, asked = answering([_ok(ME)], key=key)
        client.me()
        assert asked[0].headers.get("authorization") == wanted


@pytest.mark.parametrize(
    ("ask", "path"),
    [
        (lambda c: c.model(), "/v1/models/served"),
        (lambda c: c.model("ham", 3), "/v1/models/ham/3"),
        (lambda c: c.card(), "/v1/models/served/card"),
        (lambda c: c.metrics("ham", 3), "/v1/models/ham/3/metrics"),
        (lambda c: c.promote("ham", 3), "/v1/models/ham/3/promote"),
        (lambda c: c.rollback("a/b"), "/v1/models/a%2Fb/rollback"),
    ],
)
def test_versions_are_named_by_model_and_number(ask: Callable[[Client], object], path: str) -> None:
    client, asked = answering([busy(404)])
    with pytest.raises(ClientError):
        ask(client)
    assert asked[0].url.raw_path.decode() == path


def test_a_patients_key_stays_out_of_the_address() -> None:
    client, asked = answering([busy(422), busy(422)])
    for known in ({"age": 61.0, "explain": True}, {"age": 61.0, "patient": "Lovelace"}):
        with pytest.raises(ClientError):
            client.predict(b"\xff\xd8\xff", **known)
    assert dict(asked[0].url.params) == {"age": "61.0", "explain": "true"}
    assert "Lovelace" not in str(asked[1].url)
    assert b"Lovelace" in asked[1].read()


def test_filters_are_written_as_the_api_reads_them() -> None:
    page = {"predictions": [], "next": None}
    client, asked = answering([_ok(page)])
    assert list(client.predictions(ids=["a", "b"], verdict=["refer", "suspicious"], labelled=False, page=7)) == []
    assert asked[0].url.params.multi_items() == [
        ("id", "a"),
        ("id", "b"),
        ("verdict", "refer"),
        ("verdict", "suspicious"),
        ("labelled", "false"),
        ("limit", "7"),
    ]


def _ok(body: dict[str, object]) -> httpx2.Response:
    return httpx2.Response(200, json=body)
