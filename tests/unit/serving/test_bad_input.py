"""Images as people have them, sent over HTTP: what must work works, the rest is refused with its reason."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from odd_images import MUST_WORK, QUARANTINED, animation, encoded, rotated_by_exif
from serving_factory import Served, drawn

UNREADABLE = {name: found for name, found in QUARANTINED.items() if found[1] not in ("missing", "too_small", "blank")}
"""`data check` rejects tiny and blank images too; here it is the bundle that says what it can't use."""


def send(served: Served, name: str, data: bytes):
    return served.post("/v1/predictions", files={"image": (name, data)})


def kept(served: Served, answer: dict) -> np.ndarray:
    stored = served.get(f"/v1/predictions/{answer['prediction_id']}/image")
    assert stored.status_code == 200
    return np.asarray(Image.open(io.BytesIO(stored.content)))


@pytest.mark.parametrize("name", MUST_WORK)
def test_every_usual_kind_of_image_is_judged_stored_and_shown(served: Served, name: str) -> None:
    data = MUST_WORK[name]()
    answered = send(served, name, data)
    assert answered.status_code == 200, answered.text
    answer = answered.json()
    assert answer["name"] == name
    assert (answer["width"], answer["height"]) == ((90, 120) if name == "rotated.jpg" else (120, 90))
    assert kept(served, answer).shape[:2] == (90, 120)
    again = served.post("/v1/predictions", content=data, headers={"Content-Type": "image/png"}).json()
    assert again["probabilities"] == answer["probabilities"]  # content decides, not the type that was named


def test_of_an_animation_the_first_frame_counts_and_a_note_says_so(served: Served) -> None:
    answer = send(served, "animated.gif", animation()).json()
    assert any("frame" in note for note in answer["notes"])
    first = np.asarray(Image.open(io.BytesIO(animation())).convert("RGB")).astype(int)
    assert np.abs(kept(served, answer).astype(int) - first).max() <= 2


def test_a_photograph_that_exif_turns_is_judged_upright(served: Served) -> None:
    turned = send(served, "turned.jpg", rotated_by_exif()).json()
    upright = Image.open(io.BytesIO(rotated_by_exif())).transpose(Image.Transpose.ROTATE_270)
    straight = send(served, "upright.png", encoded(upright, "PNG")).json()
    assert turned["probabilities"] is not None
    for diagnosis, p in turned["probabilities"].items():
        assert p == pytest.approx(straight["probabilities"][diagnosis], abs=2e-3)


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_is_no_usable_image_is_refused_with_its_reason(served: Served, name: str) -> None:
    make, reason = UNREADABLE[name]
    answered = send(served, name, make())
    assert answered.status_code == 422, answered.text
    document = answered.json()
    assert (document["field"], document["reason"]) == ("image", reason)
    assert answered.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "name", ["../../etc/passwd.jpg", "C:\\windows\\a.jpg", "/etc/shadow", "a\\..\\b.jpg", "x" * 5000]
)
def test_a_name_is_only_a_name(served: Served, name: str) -> None:
    before = {file for file in served.home.rglob("*") if file.suffix != ".jpg"}
    answered = send(served, name, drawn("nv", 60))
    assert answered.status_code == (400 if len(name) > 4000 else 200)
    after = {file for file in served.home.rglob("*") if file.suffix != ".jpg"}
    assert {file for file in after - before if file.is_file() and "nevus.db" not in file.name} == set()


def test_ten_thousand_files_are_refused(served: Served) -> None:
    files = [("image", (f"{number}.jpg", b"x")) for number in range(10_000)]
    answered = served.post("/v1/predictions", files=files)
    assert (answered.status_code, answered.json()["field"]) == (422, "image")
    files = [("images", (f"{number}.jpg", b"x")) for number in range(10_000)]
    answered = served.post("/v1/predictions/batch", files=files)
    assert (answered.status_code, answered.json()["field"]) == (422, "images")


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("text/plain", b"x", 415),
        ("", b"x", 415),
        ("multipart/form-data", b"x", 400),
        ("multipart/form-data; boundary=b", b"--b\r\nno head", 400),
        ("multipart/form-data; boundary=b; charset=klingon", b"--b--\r\n", (400, 422)),
        ("application/json", b"\xff\xfe{}", 422),
        ("application/json", b'{"image": "\xff\xff"}', 422),
        ("application/json", b'{"image": ' + b"[" * 100_000, 422),
        ("application/json", b"[]", 422),
        ("application/json", b"", 422),
        ("application/json; charset=klingon", b"{}", 422),
        ("image/jpeg", b"", 422),
    ],
)
def test_a_body_that_is_not_what_it_says_is_refused(served: Served, kind: str, body: bytes, status: object) -> None:
    for path in ("/v1/predictions", "/v1/predictions/batch"):
        answered = served.post(path, content=body, headers={"Content-Type": kind})
        allowed = status if isinstance(status, tuple) else (status,)
        if path.endswith("batch") and kind == "image/jpeg":
            allowed = (415,)
        assert answered.status_code in allowed, (path, answered.text)
        assert answered.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/v1/labels", "/v1/models/tiny/1/approve", "/v1/rollout"])
def test_small_bodies_have_their_limits_too(served: Served, path: str) -> None:
    method = "PUT" if path == "/v1/rollout" else "POST"
    headers = served.headers("admin", **{"Content-Type": "application/json"})
    big = served.client.request(method, path, content=b'"' + b"x" * 2_000_000 + b'"', headers=headers)
    assert (big.status_code, big.json()["field"]) == (413, "body")

    def endless():
        for _ in range(200_000):
            yield b"x" * 1000

    answered = served.client.request(method, path, content=endless(), headers=headers)
    assert answered.status_code == 413
    wrong = served.client.request(method, path, content=b"\xff\xfe{", headers=headers)
    assert wrong.status_code in (400, 422)


def test_labels_that_contradict_are_told_apart(served: Served) -> None:
    answer = served.predict(drawn("mel", 61))
    said = {"prediction_id": answer["prediction_id"], "diagnosis": "mel", "confirmed_by": "histology"}
    first = served.post("/v1/labels", json=said)
    assert first.status_code == 201
    second = served.post("/v1/labels", json=said | {"diagnosis": "nv"})
    assert second.status_code == 409
    document = second.json()
    assert (document["field"], document["existing"]) == ("diagnosis", first.json()["label_id"])


@pytest.mark.parametrize("name", ["%00", "a%00.js", "..%2f..%2f__init__.py", "%2e%2e/__init__.py", "x" * 5000, "%ff"])
def test_the_scripts_of_the_documentation_are_all_that_is_sent_of_files(served: Served, name: str) -> None:
    answered = served.client.get(f"/docs/static/{name}")
    assert answered.status_code == 404, answered.text
