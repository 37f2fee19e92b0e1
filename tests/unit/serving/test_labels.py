"""Labels: who says what, which one counts, and tables of them."""

from __future__ import annotations

from itertools import count

import pytest

from serving_factory import Served, drawn

_numbers = count(100)


@pytest.fixture
def prediction(served: Served) -> dict:
    """An answer on an image that no other test has labelled."""
    return served.predict(drawn("nv", next(_numbers)))


def test_a_label_is_its_key_owners_and_is_read_back_with_the_prediction(served: Served, prediction: dict) -> None:
    said = {"prediction_id": prediction["prediction_id"], "diagnosis": "mel", "confirmed_by": "histology"}
    answered = served.post("/v1/labels", json={**said, "confirmed_on": "2026-10-01", "note": "Breslow 0.4 mm"})
    assert answered.status_code == 201
    label = answered.json()
    assert label["labelled_by"] == "the clinician"
    assert label["malignant"] is True
    assert (label["confirmed_on"], label["note"]) == ("2026-10-01", "Breslow 0.4 mm")
    assert label["image_hash"] == prediction["image_hash"]
    assert served.get(f"/v1/predictions/{prediction['prediction_id']}").json()["label"] == label


def test_the_better_confirmed_label_supersedes_and_none_is_lost(served: Served, prediction: dict) -> None:
    said = {"image_hash": prediction["image_hash"]}
    opinion = served.post("/v1/labels", json={**said, "diagnosis": "nv"}).json()
    proof = served.post("/v1/labels", json={**said, "diagnosis": "mel", "confirmed_by": "histology"}).json()
    for asked in (said, {"prediction_id": prediction["prediction_id"]}):
        labels = served.get("/v1/labels", params=asked).json()["labels"]
        assert [one["label_id"] for one in labels] == [proof["label_id"], opinion["label_id"]]
        assert [one["superseded_by"] for one in labels] == [None, proof["label_id"]]


def test_two_equally_confirmed_labels_that_disagree_need_a_correction(served: Served, prediction: dict) -> None:
    said = {"prediction_id": prediction["prediction_id"], "confirmed_by": "consensus"}
    first = served.post("/v1/labels", json={**said, "diagnosis": "nv"}).json()
    refused = served.post("/v1/labels", json={**said, "diagnosis": "bkl"})
    assert (refused.status_code, refused.json()["existing"]) == (409, first["label_id"])
    corrected = served.post("/v1/labels", json={**said, "diagnosis": "bkl", "replaces": first["label_id"]})
    assert corrected.status_code == 201
    assert served.get(f"/v1/predictions/{prediction['prediction_id']}").json()["label"]["diagnosis"] == "bkl"


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"prediction_id": "01a1ff0b-0000-7000-8000-000000000000"}, 404, "prediction_id"),
        ({"prediction_id": "x' OR '1'='1"}, 404, "prediction_id"),
        ({"prediction_id": None}, 422, "prediction_id"),
        ({"image_hash": "f" * 64}, 422, "image_hash"),
        ({"image_hash": "short"}, 422, "image_hash"),
        ({"diagnosis": "flu"}, 422, "diagnosis"),
        ({"diagnosis": "unknown"}, 422, "diagnosis"),
        ({"diagnosis": 3}, 422, "diagnosis"),
        ({"confirmed_by": "hearsay"}, 422, "confirmed_by"),
        ({"confirmed_by": "histology", "confirmed_on": "2999-01-01"}, 422, "confirmed_on"),
        ({"labelled_by": "somebody else"}, 422, "labelled_by"),
        ({"note": "a\x00b"}, 422, "note"),
    ],
)
def test_what_is_no_label_is_refused_by_name(
    served: Served, prediction: dict, change: dict, status: int, field: str
) -> None:
    answered = served.post(
        "/v1/labels", json={"prediction_id": prediction["prediction_id"], "diagnosis": "nv", **change}
    )
    assert answered.status_code == status, answered.text
    assert answered.json().get("field") == field
    assert served.get("/v1/labels", params={"image_hash": prediction["image_hash"]}).json() == {"labels": []}


@pytest.mark.parametrize("asked", [{}, {"image_hash": "a" * 64, "prediction_id": "b"}])
def test_history_is_that_of_one_image(served: Served, asked: dict) -> None:
    assert served.get("/v1/labels", params=asked).status_code == 422


@pytest.mark.parametrize("separator", [",", ";"])
@pytest.mark.parametrize("form", [False, True])
def test_a_table_gives_each_line_its_label_or_its_error(served: Served, separator: str, form: bool) -> None:
    made = [served.predict(drawn("bkl", next(_numbers))) for _ in range(3)]
    rows = [
        ["prediction_id", "diagnosis", "confirmed_by", "confirmed_on", "note"],
        [made[0]["prediction_id"], "bkl", "histology", "2026-09-30", '"two\nlines"'],
        ["unknown-id", "nv", "", "", ""],
        [made[1]["prediction_id"], "nv", "", "yesterday", ""],
        [made[1]["prediction_id"], "nv", "", "", ""],
        [made[1]["prediction_id"], "mel", "", "", ""],
    ]
    table = ("\ufeff" + "\r\n".join(separator.join(row) for row in rows)).encode()
    if form:
        answered = served.post("/v1/labels/bulk", files={"table": ("labels.csv", table, "text/csv")})
    else:
        answered = served.post("/v1/labels/bulk", content=table, headers={"Content-Type": "text/csv; charset=utf-8"})
    assert answered.status_code == 200, answered.text
    told = answered.json()
    assert told["added"] == 2
    proof, unknown, date, opinion, conflict = told["results"]
    assert (proof["label"]["note"], proof["label"]["confirmed_by"]) == ("two\nlines", "histology")
    assert unknown["error"]["status"] == 404
    assert date["error"]["field"] == "confirmed_on"
    assert opinion["label"]["labelled_by"] == "the clinician"
    assert conflict["error"]["status"] == 409
    assert conflict["error"]["existing"] == opinion["label"]["label_id"]
    assert [one["line"] for one in told["results"]] == [3, 4, 5, 6, 7]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (b"prediction_id,diagnosis\n\xff\xfe,nv\n", "UTF-8"),
        (b"prediction_id\nx\n", "diagnosis"),
        (b"prediction_id,diagnosis,labelled_by\nx,nv,me\n", "labelled_by"),
        (b"diagnosis,diagnosis\nnv,mel\n", "twice"),
        (b"diagnosis\nnv,mel,bcc\n", "3 cells"),
        (b'diagnosis,note\nnv,"open\n', "CSV"),
        (b"", "diagnosis"),
        (b"diagnosis\n" + b"nv\n" * 10_001, "10000"),
    ],
)
def test_a_table_that_is_none_is_refused(served: Served, table: bytes, said: str) -> None:
    answered = served.post("/v1/labels/bulk", content=table, headers={"Content-Type": "text/csv"})
    assert (answered.status_code, answered.json()["field"]) == (422, "table")
    assert said in answered.json()["detail"]


def test_a_table_of_another_type_is_refused(served: Served) -> None:
    assert served.post("/v1/labels/bulk", json={}).status_code == 415
