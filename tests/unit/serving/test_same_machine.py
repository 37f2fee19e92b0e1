"""A service without keys: who is on this machine may do everything, and no web page from elsewhere anything."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from nevus.serving import ServingSettings, create_app
from nevus.store import StoreSettings, open_store
from nevus.store.keys import ApiKeys
from rollout_factory import approved, wait_until
from serving_factory import drawn

CLINIC = "https://clinic.example"
PROMOTE = "/v1/models/tiny/1/promote"


@pytest.fixture
def keyless(tmp_path: Path, serving_bundle: Path) -> Iterator[TestClient]:
    """Asked by a program of this machine; one page elsewhere is named in the settings."""
    settings = ServingSettings(bundle=str(serving_bundle), threads=1, cors_origins=(CLINIC, "*"))
    with open_store(StoreSettings(home=tmp_path)) as store:
        approved(store, serving_bundle)
        app = create_app(store, tmp_path, settings)
        with TestClient(app, base_url="http://127.0.0.1:8000", raise_server_exceptions=False) as client:
            wait_until(lambda: client.get("/ready").status_code == 200)
            yield client


HOSTS = ["localhost", "localhost:8000", "127.0.0.1", "127.0.0.1:8000", "127.8.9.1", "[::1]", "[::1]:8000", "LOCALHOST"]
STRANGE_HOSTS = ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.7"]
STRANGE_HOSTS += ["localhost@evil.example", "evil.example@localhost", "[::1", "", "0.0.0.0", "::1"]


def test_who_asks_for_this_machine_may_and_by_another_name_may_not(keyless: TestClient) -> None:
    answered = {host: keyless.get("/v1/me", headers={"Host": host}) for host in HOSTS + STRANGE_HOSTS}
    assert {host: answer.status_code for host, answer in answered.items()} == dict.fromkeys(HOSTS, 200) | dict.fromkeys(
        STRANGE_HOSTS, 403
    )
    refused = answered["evil.example"]
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["field"] == "Host"
    assert "nevus keys create" in refused.json()["detail"]


PAGES = [
    ({}, 200),
    ({"Origin": "http://localhost:8501", "Sec-Fetch-Site": "cross-site"}, 200),
    ({"Origin": "http://127.0.0.1:8000", "Sec-Fetch-Site": "same-origin"}, 200),
    ({"Origin": "http://[::1]:3000"}, 200),
    ({"Sec-Fetch-Site": "none"}, 200),  # typed into the browser
    ({"Origin": CLINIC, "Sec-Fetch-Site": "cross-site"}, 200),
    ({"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}, 403),
    ({"Origin": "https://evil.example"}, 403),
    ({"Origin": "https://clinic.example.evil.example"}, 403),
    ({"Origin": "http://127.0.0.1.evil.example"}, 403),
    ({"Origin": "http://localhost@evil.example"}, 403),
    ({"Origin": "null"}, 403),
    ({"Origin": ""}, 403),
    ({"Sec-Fetch-Site": "cross-site"}, 403),  # a picture or a form in a page
]


@pytest.mark.parametrize(
    ("headers", "status"), PAGES, ids=[" ".join(headers.values()) or "none" for headers, _ in PAGES]
)
def test_a_page_of_this_machine_may_and_of_another_site_may_not(
    keyless: TestClient, headers: dict[str, str], status: int
) -> None:
    assert keyless.get("/v1/predictions", headers=headers).status_code == status
    answered = keyless.post("/v1/predictions", content=drawn(), headers={"Content-Type": "image/jpeg"} | headers)
    assert answered.status_code == status, answered.text
    assert len(keyless.get("/v1/predictions").json()["predictions"]) == (status == 200)
    promoted = keyless.post(PROMOTE, headers=headers)
    assert promoted.status_code == status, promoted.text
    states = {one["number"]: one["state"] for one in keyless.get("/v1/models").json()["models"]}
    assert states[1] == ("champion" if status == 200 else "approved")


def test_what_is_open_answers_whoever_asks(keyless: TestClient) -> None:
    for path in ("/health", "/ready", "/version", "/metrics", "/v2/health/live", "/docs", "/openapi.json"):
        assert keyless.get(path, headers={"Host": "node-7.cluster.example:8000"}).status_code == 200, path


def test_tensors_are_refused_in_their_protocols_words(keyless: TestClient) -> None:
    answered = keyless.post("/v2/models/tiny/infer", json={"inputs": []}, headers={"Host": "evil.example"})
    assert (answered.status_code, list(answered.json())) == (403, ["error"])


def test_with_a_key_names_and_pages_count_for_nothing(tmp_path: Path, serving_bundle: Path) -> None:
    strange = {"Host": "nevus.clinic.example", "Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    with open_store(StoreSettings(home=tmp_path)) as store:
        key = ApiKeys(store).create("R", "reader", by="test")[0]
        with TestClient(create_app(store, tmp_path, ServingSettings(bundle=str(serving_bundle)))) as client:
            assert client.get("/v1/me", headers=strange | {"Authorization": f"Bearer {key}"}).status_code == 200
            assert client.get("/v1/me", headers=strange).status_code == 401
