"""Predicting over HTTP: what comes in, what is answered, and what is stored before it is answered."""

from __future__ import annotations

import base64
import io
import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import sqlalchemy as sa
from PIL import Image

from nevus.bundle import Metadata, Predictor
from nevus.store.serving_tables import PredictionRow
from odd_images import jpeg_with_exif
from serving_factory import drawn, serving, tiny_bundle


def rows(served):
    with served.store.read() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(PredictionRow))


def test_an_image_is_judged_as_the_predictor_judges_it_and_read_back_as_it_was_answered(served):
    answer = served.predict(drawn("mel", 1), age=61, sex="female")
    with Predictor(served.bundle, threads=1) as predictor:
        expected = predictor.answer(drawn("mel", 1), Metadata(61, "female"))
    assert answer["diagnosis"] == expected.diagnosis
    assert answer["verdict"] == expected.verdict
    assert answer["reasons"] == list(expected.reasons)
    assert answer["prediction_set"] == list(expected.prediction_set)
    for name, p in expected.probabilities.items():
        assert answer["probabilities"][name] == pytest.approx(p, rel=1e-5)
    assert (answer["age"], answer["sex"], answer["site"]) == (61, "female", None)
    back = served.get(f"/v1/predictions/{answer['prediction_id']}").json()
    assert {name: back[name] for name in answer} == answer


def test_the_three_ways_of_sending_an_image_give_the_same_answer(served):
    image = drawn("nv", 5)
    raw = served.predict(image, age=40)
    form = served.post("/v1/predictions", files={"image": ("a.jpg", image)}, data={"age": "40"}).json()
    coded = served.post("/v1/predictions", json={"image": base64.b64encode(image).decode(), "age": 40}).json()
    same = ("probabilities", "verdict", "reasons", "image_hash", "age", "ood_score", "bundle_digest")
    assert {n: raw[n] for n in same} == {n: form[n] for n in same} == {n: coded[n] for n in same}
    assert len({raw["prediction_id"], form["prediction_id"], coded["prediction_id"]}) == 3


def test_several_images_of_a_lesion_get_one_answer_beside_their_own(served):
    images = [drawn("mel", 1), drawn("nv", 2)]
    files = [("image", (f"{n}.jpg", image)) for n, image in enumerate(images)]
    answer = served.post("/v1/predictions", files=files, data={"patient": "p", "lesion": "l"}).json()
    each = [served.predict(image) for image in images]
    assert [one["name"] for one in answer["predictions"]] == ["0.jpg", "1.jpg"]
    for one, alone in zip(answer["predictions"], each, strict=True):
        assert one["probabilities"] == alone["probabilities"]
    usable = [one["probabilities"] for one in each if "out_of_distribution" not in one["reasons"]]
    for name, p in answer["lesion"]["probabilities"].items():
        assert p == pytest.approx(np.mean([probabilities[name] for probabilities in usable]), rel=1e-5)
    assert answer["lesion"]["images"] == 2


def test_patients_are_stored_as_keyed_hashes_only(served):
    key = "MRN-0047-very-particular"
    served.predict(drawn("nv", 1), patient=key, lesion="back-3-particular")
    content = b"".join(file.read_bytes() for file in served.home.rglob("*") if file.is_file())
    assert b"particular" not in content
    with served.store.read() as session:
        row = session.scalars(sa.select(PredictionRow).order_by(PredictionRow.prediction_id.desc())).first()
        assert len(row.patient_hash) == len(row.lesion_hash) == 64


def test_the_kept_picture_has_its_pixels_and_nothing_else(served):
    image = jpeg_with_exif(drawn("nv", 3), orientation=6)
    answer = served.predict(image)
    kept = served.get(f"/v1/predictions/{answer['prediction_id']}/image")
    assert kept.headers["content-type"] == "image/jpeg"
    assert kept.headers["x-orientation"] == "6"
    assert b"Exif" not in kept.content
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(kept.content))), np.asarray(Image.open(io.BytesIO(image))))
    assert (answer["width"], answer["height"]) == (120, 160)  # upright


def test_evidence_is_asked_for_and_laid_over_what_the_model_saw(served):
    answer = served.predict(drawn("mel", 2), explain=True)
    assert "evidence" not in served.predict(drawn("mel", 2))
    grid = np.array(answer["evidence"]["map"])
    assert grid.ndim == 2
    assert grid.max() > 0
    shown = served.get(answer["evidence"]["overlay"])
    assert shown.headers["content-type"] == "image/png"
    overlay = np.asarray(Image.open(io.BytesIO(shown.content)).convert("RGB")).astype(int)
    plain = served.get(answer["evidence"]["overlay"], params={"opacity": 0})
    seen = np.asarray(Image.open(io.BytesIO(plain.content)).convert("RGB")).astype(int)
    assert overlay.shape == seen.shape
    assert np.abs(overlay - seen).max() > 20


def test_a_repeated_request_is_answered_once(served):
    image, before = drawn("nv", 7), rows(served)
    headers = {"Content-Type": "image/jpeg", "Idempotency-Key": "visit-1"}
    first = served.post("/v1/predictions", content=image, headers=headers)
    again = served.post("/v1/predictions", content=image, headers=headers)
    assert first.json() == again.json()
    assert rows(served) == before + 1
    other = served.post("/v1/predictions", content=drawn("nv", 8), headers=headers)
    assert (other.status_code, other.json()["field"]) == (422, "Idempotency-Key")
    someone = served.post("/v1/predictions", "admin", content=image, headers=headers)
    assert someone.json()["prediction_id"] != first.json()["prediction_id"]


def test_the_same_request_twice_at_once_is_one_answer(served):
    headers = {"Content-Type": "image/jpeg", "Idempotency-Key": "visit-2"}
    before = rows(served)
    with ThreadPoolExecutor(6) as pool:
        asked = [
            pool.submit(served.post, "/v1/predictions", content=drawn("bkl", 1), headers=headers) for _ in range(6)
        ]
        answers = [future.result() for future in asked]
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["prediction_id"] for answer in answers}) == 1
    assert rows(served) == before + 1


@pytest.mark.parametrize(
    ("request_", "status", "field"),
    [
        ({"content": b"hello", "headers": {"Content-Type": "image/jpeg"}}, 422, "image"),
        ({"content": b"", "headers": {"Content-Type": "image/png"}}, 422, "image"),
        ({"content": b"x", "headers": {"Content-Type": "text/plain"}}, 415, None),
        ({"json": {"image": "%%%"}}, 422, "image"),
        ({"json": {"image": 3}}, 422, "image"),
        ({"json": {"picture": "x"}}, 422, "picture"),
        ({"json": {}}, 422, "image"),
        ({"content": b"{", "headers": {"Content-Type": "application/json"}}, 422, None),
        ({"content": b"\xff\xfe", "headers": {"Content-Type": "application/json"}}, 422, None),
        ({"files": {"other": ("a.jpg", b"x")}}, 422, "other"),
        ({"data": {"image": "text"}, "files": {"image": ("a.jpg", b"x")}}, 422, "image"),
        ({"content": b"x", "headers": {"Content-Type": "multipart/form-data"}}, 400, "body"),
    ],
)
def test_what_is_no_image_is_refused_with_its_field_named(served, request_, status, field):
    before = rows(served)
    answered = served.post("/v1/predictions", **request_)
    assert answered.status_code == status, answered.text
    assert answered.headers["content-type"] == "application/problem+json"
    assert answered.json().get("field") == field or field is None
    assert rows(served) == before


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"age": "-1"}, "age"),
        ({"age": "121"}, "age"),
        ({"age": "old"}, "age"),
        ({"patient": "p" * 201}, "patient"),
        ({"aeg": "3"}, "aeg"),
        ({"explain": "perhaps"}, "explain"),
        ({"model": "nobody/9"}, "model"),
    ],
)
def test_what_is_said_of_a_patient_is_checked(served, said, field):
    answered = served.post("/v1/predictions", content=drawn("nv"), params=said, headers={"Content-Type": "image/jpeg"})
    assert answered.status_code in (404, 422)
    assert answered.json()["field"] == field


def test_a_body_beyond_the_limit_is_refused_before_it_is_read(tmp_path):
    with serving(tmp_path / "home", tiny_bundle(tmp_path / "bundle"), max_body_mb=0.01) as small:
        answered = small.post(
            "/v1/predictions", content=b"\xff\xd8\xff" + bytes(20_000), headers={"Content-Type": "image/jpeg"}
        )
        assert answered.status_code == 413
        assert "0.01 MB" in answered.json()["detail"]

        def endless():
            for _ in range(1000):
                yield bytes(1000)

        answered = small.post("/v1/predictions", content=endless(), headers={"Content-Type": "image/jpeg"})
        assert answered.status_code == 413


def test_a_full_queue_is_said_at_once(tmp_path):
    with serving(tmp_path / "home", tiny_bundle(tmp_path / "bundle"), queue=1, threads=1) as small:
        small.service._busy = 2
        answered = small.post("/v1/predictions", content=drawn("nv"), headers={"Content-Type": "image/jpeg"})
        assert answered.status_code == 429
        assert int(answered.headers["retry-after"]) >= 1
        small.service._busy = 0
        assert small.predict(drawn("nv"))["prediction_id"]


def test_too_many_requests_of_one_key_wait(tmp_path):
    with serving(tmp_path / "home", tiny_bundle(tmp_path / "bundle"), rate_per_minute=5) as small:
        statuses = [small.get("/v1/me").status_code for _ in range(8)]
        assert statuses == [200] * 5 + [429] * 3
        assert small.get("/v1/me", "admin").status_code == 200


@pytest.mark.parametrize(
    ("header", "status"),
    [(None, 401), ("Basic abc", 401), ("Bearer", 401), ("Bearer nevus_x_y", 401), ("Bearer " + "x" * 5000, 401)],
)
def test_without_a_good_key_nothing_is_told(served, header, status):
    headers = {"Authorization": header} if header else {}
    for path in ("/v1/me", "/v1/predictions/x", "/v1/predictions/x/image"):
        answered = served.client.get(path, headers=headers)
        assert answered.status_code == status
        assert answered.headers["www-authenticate"] == "Bearer"


def test_a_reader_may_not_predict(served):
    answered = served.post("/v1/predictions", "reader", content=drawn("nv"), headers={"Content-Type": "image/jpeg"})
    assert answered.status_code == 403
    assert "clinician" in answered.json()["detail"]


def test_a_store_that_is_gone_is_503_and_recovers_by_itself(served, monkeypatch):
    from nevus.store.failures import StoreBusyError

    def refuse(*_, **__):
        raise StoreBusyError("locked at /secret/place")

    with monkeypatch.context() as broken:
        broken.setattr(type(served.store), "append", refuse)
        answered = served.post("/v1/predictions", content=drawn("nv"), headers={"Content-Type": "image/jpeg"})
        assert answered.status_code == 503
        assert "secret" not in answered.text
        assert "retry-after" in answered.headers
    assert served.predict(drawn("nv"))["prediction_id"]


def test_every_answer_carries_its_request_id_and_headers_that_protect(served):
    answered = served.client.get("/health", headers={"X-Request-Id": "visit.47"})
    assert answered.headers["x-request-id"] == "visit.47"
    assert answered.headers["x-content-type-options"] == "nosniff"
    odd = served.client.get("/v1/nowhere", headers={"X-Request-Id": "a b\tc"})
    assert odd.status_code == 404
    assert odd.headers["content-type"] == "application/problem+json"
    assert odd.headers["x-request-id"] != "a b\tc"
    assert odd.json()["request_id"] == odd.headers["x-request-id"]


def test_metrics_count_what_was_judged_and_refused(served):
    def value(name):
        text = served.client.get("/metrics").text
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(name))

    before = value("nevus_verdicts_total"), value('nevus_requests_total{route="/v1/predictions",status="422"}')
    served.predict(drawn("nv"))
    served.post("/v1/predictions", content=b"?", headers={"Content-Type": "image/jpeg"})
    after = value("nevus_verdicts_total"), value('nevus_requests_total{route="/v1/predictions",status="422"}')
    assert (after[0] - before[0], after[1] - before[1]) == (1, 1)
    assert value("nevus_model_info") == 1


def test_the_document_describes_what_it_takes(served):
    document = json.loads(served.client.get("/openapi.json").content)
    post = document["paths"]["/v1/predictions"]["post"]
    assert {"image/jpeg", "multipart/form-data", "application/json"} <= set(post["requestBody"]["content"])
    assert {"401", "413", "415", "422", "429", "503"} <= set(post["responses"])
