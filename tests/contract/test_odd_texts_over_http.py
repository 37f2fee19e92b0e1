"""Texts that no database holds, sent to the service on either of them: refused, never a failure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from httpx2 import Response

from serving_factory import Served, drawn, serving, tiny_bundle

SQL = "'; DROP TABLE predictions; --"
ODD = ["\x00", "a\x00b", "\ud800", "x\udfffy", SQL]


@pytest.fixture
def service(tmp_path: Path, store_url: str) -> Iterator[Served]:
    with serving(tmp_path / "home", tiny_bundle(tmp_path / "bundle"), store_url=store_url) as running:
        yield running


def quoted(text: str) -> str:
    """As a path or a query holds it; half of a surrogate pair becomes bytes that aren't UTF-8."""
    return quote(text.encode("utf-8", "surrogatepass"), safe="")


PATHS = [
    "/v1/predictions/{}",
    "/v1/predictions/{}/image",
    "/v1/predictions/{}/evidence",
    "/v1/predictions/{}/similar",
    "/v1/models/{}/1",
    "/v1/models/{}/1/card",
    "/v1/models/{}/1/profile",
    "/v2/models/{}",
    "/v2/models/tiny/versions/{}/ready",
]
QUERIES = [
    "/v1/predictions?id={}",
    "/v1/predictions?request_id={}",
    "/v1/predictions?model={}",
    "/v1/predictions?bundle_digest={}",
    "/v1/predictions?arm={}",
    "/v1/predictions?patient={}",
    "/v1/predictions?patient=p&lesion={}",
    "/v1/predictions?cursor={}",
    "/v1/labels?image_hash={}",
    "/v1/labels?prediction_id={}",
    "/v1/worklist?cursor={}",
    "/v1/samples/batches?before={}",
]


def test_what_no_database_holds_is_refused_wherever_it_stands(service: Served) -> None:
    answered = service.predict(drawn("mel"), patient="p")
    failures = []

    def look(where: str, text: str, answer: Response) -> None:
        status = answer.status_code
        if status >= 500 or "sqlalchemy" in answer.text.lower() or "psycopg" in answer.text.lower():
            failures.append((where, text, status, answer.text))

    for text in ODD:
        for path in PATHS:
            answer = service.get(path.format(quoted(text)))
            look(path, text, answer)
            assert answer.status_code in (404, 422), (path, text, answer.text)
        for path in QUERIES:
            look(path, text, service.get(path.format(quoted(text))))
        bodies = {
            "/v1/labels": [
                {"prediction_id": text, "diagnosis": "mel"},
                {"image_hash": text, "diagnosis": "mel"},
                {"prediction_id": answered["prediction_id"], "diagnosis": text},
                {"prediction_id": answered["prediction_id"], "diagnosis": "mel", "note": text},
                {"prediction_id": answered["prediction_id"], "diagnosis": "mel", "confirmed_by": text},
                {"prediction_id": answered["prediction_id"], "diagnosis": "mel", "replaces": text},
            ],
            "/v1/models/tiny/1/approve": [{"note": text}, {"note": "n", "override": text}],
            "/v1/models/tiny/rollback": [{"note": text}],
            "/v2/models/tiny/infer": [
                {
                    "id": text,
                    "parameters": {"sex": text, "site": text},
                    "inputs": [{"name": "image", "shape": [1], "datatype": "BYTES", "data": [text]}],
                }
            ],
        }
        for path, sent in bodies.items():
            for body in sent:
                answer = service.post(
                    path, "admin", content=json.dumps(body), headers={"Content-Type": "application/json"}
                )
                look(f"{path} {[*body]}", text, answer)
        for name in ("sex", "site", "patient", "lesion", "model"):
            answer = service.post(
                f"/v1/predictions?{name}={quoted(text)}",
                content=drawn("nv"),
                headers={"Content-Type": "image/jpeg"},
            )
            look(f"predict {name}", text, answer)
        rollout = service.client.put("/v1/rollout", headers=service.headers("admin"), json={"model": "nobody"})
        look("rollout", text, rollout)
    assert failures == []
    assert service.get(f"/v1/predictions/{answered['prediction_id']}").status_code == 200


@pytest.mark.parametrize("name", ["sex", "site"])
def test_what_is_said_of_a_patient_may_hold_no_such_text(service: Served, name: str) -> None:
    answer = service.post(f"/v1/predictions?{name}=a%00b", content=drawn("nv"), headers={"Content-Type": "image/jpeg"})
    assert (answer.status_code, answer.json()["field"]) == (422, name)


def test_a_key_to_repeat_by_may_hold_no_such_text(service: Served) -> None:
    headers = {"Content-Type": "image/jpeg", "Idempotency-Key": "a\x00b"}
    answer = service.post("/v1/predictions", content=drawn("nv"), headers=headers)
    assert (answer.status_code, answer.json()["field"]) == (422, "Idempotency-Key")
