"""How errors are told: by a document that names the field, and without anything of the inside."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from nevus.bundle import BundleError
from nevus.errors import InputError, NevusError, StorageFullError
from nevus.serving import problems
from nevus.serving.app import create_app
from nevus.serving.settings import ServingSettings
from nevus.store import StoreSettings, open_store
from nevus.store.blobs import BlobMissingError
from nevus.store.database import StoreAddressError
from nevus.store.failures import StoreBusyError, StoreError, StoreUnreachableError, explain
from nevus.store.labels import ConflictingLabelError
from nevus.store.labels.errors import LabelError
from nevus.store.predictions import UnknownPredictionError
from nevus.store.pseudonyms import PseudonymSecretError
from nevus.store.registry import UnknownVersionError
from nevus.store.schema import SchemaTooNewError
from rollout_factory import wait_until
from serving_factory import Served, drawn

INSIDE = "/srv/secret/nevus.db SELECT password FROM postgresql://app:pw@db.internal"


def told(error: Exception) -> tuple[int, dict[str, Any]]:
    answer = problems.answer(error, "r1")
    assert answer.media_type == "application/problem+json"
    return answer.status_code, json.loads(bytes(answer.body))


@pytest.mark.parametrize(
    "error",
    [
        StoreError(INSIDE),
        StoreBusyError(INSIDE),
        StoreUnreachableError(INSIDE),
        StorageFullError(INSIDE),
        BundleError(INSIDE),
        SchemaTooNewError(INSIDE),
        StoreAddressError(INSIDE),
        PseudonymSecretError(INSIDE),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_is_no_fault_of_the_request_is_503_and_says_nothing_of_the_inside(error: Exception) -> None:
    status, document = told(error)
    assert (status, document["status"], document["request_id"]) == (503, 503, "r1")
    assert not any(word in json.dumps(document) for word in INSIDE.split())
    assert problems.answer(error).headers["retry-after"] == "1"


@pytest.mark.parametrize("error", [NevusError(INSIDE), BlobMissingError(INSIDE)], ids=lambda e: type(e).__name__)
def test_a_defect_is_500_and_says_nothing_of_the_inside(error: Exception) -> None:
    status, document = told(error)
    assert status == 500
    assert not any(word in json.dumps(document) for word in INSIDE.split())


@pytest.mark.parametrize("kind", [UnknownPredictionError, UnknownVersionError])
def test_what_there_is_not_is_404(kind: type[InputError]) -> None:
    status, document = told(kind("there is no x."))
    assert (status, document["title"], document["detail"]) == (404, "Not Found", "there is no x.")


def test_an_error_that_names_a_field_tells_it() -> None:
    assert told(LabelError("diagnosis", "none"))[1]["field"] == "diagnosis"
    status, document = told(ConflictingLabelError("said otherwise", "label-7"))
    assert (status, document["field"], document["existing"]) == (409, "diagnosis", "label-7")


def test_a_driver_that_refuses_a_value_blames_the_value() -> None:
    error = explain(sa.exc.DataError(INSIDE, {}, ValueError(INSIDE)), "postgresql://app@db.internal")
    status, document = told(error)
    assert status == 422
    assert not any(word in json.dumps(document) for word in INSIDE.split())


def test_a_defect_in_a_route_is_told_as_a_problem_without_its_words(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise KeyError(INSIDE)

    with monkeypatch.context() as broken:
        broken.setattr(served.service.authenticator, "check", fail)
        answered = served.client.get("/v1/me", headers={"Authorization": "Bearer never-seen"})
    assert answered.status_code == 500
    assert answered.json()["request_id"] == answered.headers["x-request-id"]
    assert "secret" not in answered.text


def test_a_service_without_a_model_says_so_but_not_where_it_looked(tmp_path: Path) -> None:
    settings = ServingSettings(bundle=str(tmp_path / "not-there"), follow_seconds=0.1)
    with open_store(StoreSettings(home=tmp_path)) as store:
        app = create_app(store, tmp_path, settings)
        with TestClient(app, base_url="http://localhost") as client:
            wait_until(lambda: app.state.service.failure is not None)
            ready = client.get("/ready")
            assert ready.status_code == 503
            assert "not-there" not in ready.text
            assert client.get("/health").json() == {"status": "ok"}
            answered = client.post("/v1/predictions", content=drawn("nv"), headers={"Content-Type": "image/jpeg"})
            assert answered.status_code == 503
            assert "not-there" not in answered.text


UNKNOWN = "0193e4b0-0000-7000-8000-000000000000"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", f"/v1/predictions/{UNKNOWN}", None),
        ("GET", f"/v1/predictions/{UNKNOWN}/image", None),
        ("GET", f"/v1/predictions/{UNKNOWN}/evidence", None),
        ("GET", f"/v1/predictions/{UNKNOWN}/similar", None),
        ("GET", f"/v1/labels?prediction_id={UNKNOWN}", None),
        ("POST", "/v1/labels", {"prediction_id": UNKNOWN, "diagnosis": "mel"}),
        ("GET", "/v1/models/nobody/1", None),
        ("GET", "/v1/models/nobody/1/card", None),
        ("POST", "/v1/models/nobody/1/approve", {"note": "n"}),
        ("POST", "/v1/models/nobody/1/promote", {}),
        ("POST", "/v1/models/nobody/1/challenge", {}),
        ("POST", "/v1/models/nobody/1/retire", {}),
        ("POST", "/v1/models/nobody/1/load", {}),
        ("POST", "/v1/models/nobody/rollback", {}),
        ("PUT", "/v1/rollout", {"model": "nobody"}),
        ("GET", "/v1/nowhere", None),
        ("GET", "/v1/predictions/../../etc/passwd", None),
        ("GET", "/v1/models/..%2F..%2Fetc/1/card", None),
    ],
)
def test_unknown_things_are_404(served: Served, method: str, path: str, body: Any) -> None:
    sent = {} if body is None else {"json": body}
    answered = served.client.request(method, path, headers=served.headers("admin"), **sent)
    assert answered.status_code == 404, answered.text
    assert answered.headers["content-type"] == "application/problem+json"


def test_a_method_that_a_route_has_not_is_405_and_names_those_it_has(served: Served) -> None:
    answered = served.client.delete("/v1/models", headers=served.headers("admin"))
    assert answered.status_code == 405
    assert "GET" in answered.headers["allow"]
    assert answered.json()["title"] == "Method Not Allowed"


def test_what_is_refused_is_counted_by_its_reason(served: Served) -> None:
    def counted(reason: str) -> float:
        start = f'nevus_rejected_inputs_total{{reason="{reason}"}} '
        lines = served.client.get("/metrics").text.splitlines()
        return next((float(line.removeprefix(start)) for line in lines if line.startswith(start)), 0.0)

    reasons = ("truncated", "not_an_image", "invalid", "415")
    before = {reason: counted(reason) for reason in reasons}
    send = {"headers": {"Content-Type": "image/jpeg"}}
    served.post("/v1/predictions", content=drawn("nv")[:-900], **send)
    served.post("/v1/predictions/batch", files={"images": ("a.jpg", b"no image, but words")})
    served.post("/v1/predictions?age=x", content=drawn("nv"), **send)
    served.post("/v1/predictions", content=b"x", headers={"Content-Type": "text/plain"})
    assert {reason: counted(reason) - before[reason] for reason in reasons} == dict.fromkeys(reasons, 1.0)
