"""Text that isn't UTF-8: refused by its field wherever it stands, since two patients' keys must never become one."""

from __future__ import annotations

import pytest

from nevus.serving.errors import ProblemError
from nevus.serving.query_text import require_utf8
from serving_factory import Served, drawn

LATIN = "J%FCrgen"
"""`Jürgen` as ISO 8859-1, the way old clinic software sends it."""


@pytest.mark.parametrize(
    ("method", "path", "field"),
    [
        ("POST", f"/v1/predictions?patient={LATIN}", "patient"),
        ("POST", "/v1/predictions?age=40&sex=%ff%fe&patient=p", "sex"),
        ("POST", "/v1/predictions?lesion=a%C3", "lesion"),  # half a letter
        ("POST", "/v1/predictions?lesion=%C0%AF", "lesion"),  # too long for what it says
        ("POST", "/v1/predictions?lesion=%ED%A0%80", "lesion"),  # half of a surrogate pair
        ("POST", "/v1/predictions?patient=p&%ff=x", "\ufffd"),
        ("POST", "/v1/predictions?patient=p&=%ff", "query"),
        ("POST", "/v1/predictions/batch?model=%ff", "model"),
        ("GET", f"/v1/predictions?patient={LATIN}", "patient"),
        ("GET", "/v1/predictions?limit=5&lesion=%ff", "lesion"),
        ("GET", "/v1/labels?image_hash=%ff", "image_hash"),
        ("GET", "/v1/worklist?cursor=%ff", "cursor"),
        ("GET", "/v1/samples/batches?before=%ff", "before"),
        ("GET", "/v1/rollout/comparison?from=%ff", "from"),
        ("GET", "/health?x=%ff", "x"),
    ],
)
def test_a_query_that_is_not_utf8_is_refused_by_its_field(served: Served, method: str, path: str, field: str) -> None:
    headers = served.headers("admin", **{"Content-Type": "image/jpeg"})
    sent = {"content": drawn("nv")} if method == "POST" else {}
    answered = served.client.request(method, path, headers=headers, **sent)
    assert (answered.status_code, answered.json()["field"]) == (422, field), answered.text
    assert answered.headers["content-type"] == "application/problem+json"
    assert answered.json()["request_id"] == answered.headers["x-request-id"]


def test_tensors_protocol_says_it_in_its_own_way(served: Served) -> None:
    answered = served.post("/v2/models/tiny/infer?x=%ff", json={})
    assert (answered.status_code, list(answered.json())) == (422, ["error"])


def test_a_letter_that_was_not_encoded_at_all_is_refused(served: Served) -> None:
    with pytest.raises(ProblemError, match="percent-encoded") as refused:
        require_utf8("age=40&patient=Jürgen".encode())
    assert refused.value.more["field"] == "patient"


def of_patient(served: Served, name: str) -> list[str]:
    """The predictions that a search for the patient finds, the newest first."""
    found = served.get("/v1/predictions", params={"patient": name}).json()["predictions"]
    return [one["prediction_id"] for one in found]


def test_patients_whose_names_differ_in_a_letter_stay_two_whatever_the_letters(served: Served) -> None:
    first, second = (served.predict(drawn("nv", 70), patient=name) for name in ("Jürgen 名", "Jörgen 名"))
    again = served.post(
        "/v1/predictions?patient=J%c3%BCrgen+%E5%90%8D", content=drawn("nv"), headers={"Content-Type": "image/jpeg"}
    )
    assert of_patient(served, "Jürgen 名") == [again.json()["prediction_id"], first["prediction_id"]]
    assert of_patient(served, "Jörgen 名") == [second["prediction_id"]]


def form(name: bytes, value: bytes, image: str) -> bytes:
    """A form with one text and one file."""
    head = b'--b\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n' % (name, value)
    file = b'--b\r\nContent-Disposition: form-data; name="%b"; filename="a.jpg"\r\n\r\n' % image.encode()
    return head + file + drawn("nv", 71) + b"\r\n--b--\r\n"


@pytest.mark.parametrize("charset", ["", "; charset=utf-8", "; charset=iso-8859-1", "; charset=klingon"])
@pytest.mark.parametrize(
    ("path", "image", "name", "value"),
    [
        ("/v1/predictions", "image", "sex", b"\xff\xfe"),
        ("/v1/predictions", "image", "patient", b"J\xfcrgen"),
        ("/v1/predictions/batch", "images", "metadata", b'[{"name": "a.jpg", "patient": "J\xfcrgen"}]'),
    ],
)
def test_a_text_of_a_form_that_is_not_utf8_is_refused_by_its_field(
    served: Served, path: str, image: str, name: str, value: bytes, charset: str
) -> None:
    kind = {"Content-Type": f"multipart/form-data; boundary=b{charset}"}
    answered = served.post(path, content=form(name.encode(), value, image), headers=kind)
    assert (answered.status_code, answered.json()["field"]) == (422, name), answered.text


@pytest.mark.parametrize("charset", ["", "; charset=iso-8859-1"])
def test_a_form_says_the_same_as_a_query_whatever_charset_it_claims(served: Served, charset: str) -> None:
    kind = {"Content-Type": f"multipart/form-data; boundary=b{charset}"}
    name = f"Zoë 名 {charset}"
    answered = served.post("/v1/predictions", content=form(b"patient", name.encode(), "image"), headers=kind)
    assert of_patient(served, name) == [answered.json()["prediction_id"]]


def test_a_field_whose_name_is_not_utf8_is_no_field(served: Served) -> None:
    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    answered = served.post("/v1/predictions", content=form(b"s\xffx", b"f", "image"), headers=kind)
    assert answered.status_code == 422
    assert answered.json()["field"].startswith("s")
