from __future__ import annotations

import base64
import io
import json
import struct
from typing import Any

import numpy as np
import pytest
from PIL import Image

from nevus.bundle import Predictor
from nevus.serving.service import Service
from nevus.store.predictions import find_prediction
from serving_factory import Served, drawn

NAME = "tiny"


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    """Two framed images [2, 48, 64, 3]."""
    return np.random.default_rng(0).integers(0, 256, (2, 48, 64, 3), dtype=np.uint8)


def infer(served: Served, body: Any, path: str = f"/v2/models/{NAME}/infer", role: str = "clinician") -> Any:
    return served.post(path, role, json=body)


def image(values: np.ndarray, **changes: Any) -> dict[str, Any]:
    """As KServe's client writes it: flat, row by row."""
    return {
        "name": "image",
        "shape": list(values.shape),
        "datatype": "UINT8",
        "data": values.ravel().tolist(),
    } | changes


def files(*contents: bytes) -> dict[str, Any]:
    data = [base64.b64encode(content).decode() for content in contents]
    return {"name": "image", "shape": [len(data)], "datatype": "BYTES", "data": data}


def outputs(answer: Any) -> dict[str, np.ndarray]:
    return {one["name"]: np.array(one["data"]).reshape(one["shape"]) for one in answer["outputs"]}


def test_a_client_may_ask_first_whether_server_and_model_are_there(served: Served) -> None:
    assert served.client.get("/v2").json()["name"] == "nevus"
    assert served.client.get("/v2/health/live").json() == {"live": True}
    assert served.client.get("/v2/health/ready").json() == {"ready": True}
    ready = served.client.get(f"/v2/models/{NAME}/ready").json()
    assert (ready["name"], ready["ready"]) == (NAME, True)
    found = served.get(f"/v2/models/{NAME}").json()
    assert found["inputs"][0] == {"name": "image", "datatype": "UINT8", "shape": [-1, 48, 64, 3]}
    assert {one["name"]: one["datatype"] for one in found["outputs"]}["probabilities"] == "FP32"
    version = found["versions"][0]
    assert served.get(f"/v2/models/{NAME}/versions/{version}").json() == found


def test_tensors_give_what_the_bundle_gives(served: Served, pixels: np.ndarray) -> None:
    known = np.zeros((2, 8), np.float32)
    known[:, 0] = 0.25
    body = {
        "id": "abc",
        "inputs": [
            image(pixels),
            {"name": "metadata", "shape": [2, 8], "datatype": "FP32", "data": known.tolist()},
        ],
    }
    answer = infer(served, body).json()
    assert (answer["model_name"], answer["id"]) == (NAME, "abc")
    assert served.bundle is not None
    expected = Predictor(served.bundle, threads=1, verify=False).run_arrays(pixels, known)
    found = outputs(answer)
    assert set(found) == set(expected)
    for name, values in expected.items():
        assert found[name].shape == values.shape
        np.testing.assert_allclose(found[name], values, rtol=1e-6)


def test_only_the_outputs_that_are_asked_for_come_back_and_nested_data_are_read_too(
    served: Served, pixels: np.ndarray
) -> None:
    body = {"inputs": [image(pixels, data=pixels.tolist())], "outputs": [{"name": "probabilities"}]}
    answer = infer(served, body).json()
    assert [one["name"] for one in answer["outputs"]] == ["probabilities"]
    assert outputs(answer)["probabilities"].sum(axis=1) == pytest.approx([1, 1], abs=1e-5)


def test_whole_files_are_judged_as_ever_and_stored(served: Served) -> None:
    body = {"inputs": [files(drawn("mel"), drawn("nv"))], "parameters": {"age": 60, "sex": "male"}}
    found = outputs(infer(served, body).json())
    direct = served.predict(drawn("mel"), age=60, sex="male")
    np.testing.assert_allclose(found["probabilities"][0], list(direct["probabilities"].values()), rtol=1e-4)
    assert found["verdict"][0] == direct["verdict"]
    stored = find_prediction(served.store, str(found["prediction_id"][1]))
    assert (stored.age, stored.sex, stored.model) == (60, "male", NAME)
    service: Service = served.service
    assert service.blobs is not None
    assert stored.image_key is not None
    assert service.blobs.exists(stored.image_key)


def binary(tensor: dict[str, Any], raw: bytes, **more: Any) -> tuple[bytes, dict[str, str]]:
    """Body and headers as `kserve.InferenceRESTClient` 0.21.0 and `tritonclient.http` 2.73.0 send them by default."""
    tensor = {key: value for key, value in tensor.items() if key != "data"} | {
        "parameters": {"binary_data_size": len(raw)}
    }
    said = json.dumps({"id": "5c2f", "model_name": NAME, "inputs": [tensor]} | more).encode()
    length = {"inference-header-content-length": str(len(said)), "content-type": "application/octet-stream"}
    return said + raw, length


def prefixed(*contents: bytes) -> bytes:
    return b"".join(struct.pack("<I", len(content)) + content for content in contents)


def binary_outputs(answered: Any) -> dict[str, Any]:
    """The outputs as both clients read them."""
    length = int(answered.headers["Inference-Header-Content-Length"])
    place, found = length, {}
    for one in json.loads(answered.content[:length])["outputs"]:
        size = one["parameters"]["binary_data_size"]
        raw = answered.content[place : place + size]
        place += size
        found[one["name"]] = np.frombuffer(raw, "<f4").reshape(one["shape"]) if one["datatype"] == "FP32" else raw
    assert place == len(answered.content)
    return found


def test_tensors_may_follow_the_json_as_bytes_and_come_back_so(served: Served, pixels: np.ndarray) -> None:
    body, headers = binary(image(pixels), pixels.tobytes(), parameters={"binary_data_output": True})
    answered = served.post(f"/v2/models/{NAME}/infer", content=body, headers=headers)
    assert answered.headers["content-type"] == "application/octet-stream"
    found, expected = binary_outputs(answered), outputs(infer(served, {"inputs": [image(pixels)]}).json())
    assert set(found) == set(expected)
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values.astype(np.float32))
    assert served.client.get("/v2").json()["extensions"] == ["binary_tensor_data"]


def test_files_may_follow_the_json_as_they_are_and_each_output_comes_as_it_asks(served: Served) -> None:
    asked = [{"name": "verdict", "parameters": {"binary_data": True}}, {"name": "ood_score"}]
    body, headers = binary(files(b"", b""), prefixed(drawn("mel"), drawn("nv")), outputs=asked)
    answered = served.post(f"/v2/models/{NAME}/infer", content=body, headers=headers)
    direct = [served.predict(drawn(diagnosis)) for diagnosis in ("mel", "nv")]
    length = int(answered.headers["Inference-Header-Content-Length"])
    assert answered.content[length:] == prefixed(*[one["verdict"].encode() for one in direct])
    told = {one["name"]: one for one in json.loads(answered.content[:length])["outputs"]}
    assert told["ood_score"]["data"] == pytest.approx([one["ood_score"] for one in direct], rel=1e-5)
    plain = served.post(f"/v2/models/{NAME}/infer", content=body.replace(b"true", b"null"), headers=headers).json()
    assert plain["outputs"][0]["data"] == [one["verdict"] for one in direct]


def test_bytes_that_are_not_what_the_json_says_are_refused(served: Served, pixels: np.ndarray) -> None:
    raw = pixels.tobytes()
    whole, headers = binary(image(pixels), raw)
    name = "inference-header-content-length"
    length = int(headers[name])
    cases = [
        (whole[:-1], headers, "binary_data_size"),
        (whole + b"x", headers, "1 bytes follow"),
        (whole, headers | {name: "0"}, "Content-Length"),
        (whole, headers | {name: str(len(whole) + 1)}, "Content-Length"),
        (whole, headers | {name: "-5"}, "Content-Length"),
        (whole[:length].replace(str(len(raw)).encode(), b"-1843") + raw, headers, "binary_data_size"),
        (*binary(image(pixels), raw[:100]), "numbers of the type UINT8"),
        (*binary(files(b""), b"\xff\xff\xff\xff"), "BYTES [N]"),
        (*binary(files(b""), b"\x01"), "BYTES [N]"),
        (*binary(files(b"", b""), prefixed(drawn())), "BYTES [N]"),
        (json.dumps({"inputs": [{"name": "image", "shape": [1], "datatype": "BYTES"}]}).encode(), {}, "data"),
    ]
    for body, sent, said in cases:
        answered = served.post(f"/v2/models/{NAME}/infer", content=body, headers=sent)
        assert (answered.status_code, said in answered.json()["error"]) == (400, True), answered.text
    packed = served.post(f"/v2/models/{NAME}/infer", content=whole, headers=headers | {"Content-Encoding": "gzip"})
    assert packed.status_code == 415


def blank() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (30, 30), "white").save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({}, 422, "inputs"),
        ({"inputs": []}, 422, "inputs"),
        ({"inputs": [{"name": "picture", "shape": [1], "datatype": "BYTES", "data": ["aa"]}]}, 400, "image"),
        ({"inputs": [image(np.zeros((1, 10, 10, 3), np.uint8))]}, 400, "[N, 48, 64, 3]"),
        ({"inputs": [image(np.zeros((1, 48, 64, 3), np.uint8), data=[1, 2])]}, 400, "9216 numbers"),
        ({"inputs": [image(np.full((1, 48, 64, 3), 300))]}, 400, "0 to 255"),
        ({"inputs": [image(np.zeros((1, 48, 64, 3)) + 0.5)]}, 400, "UINT8"),
        ({"inputs": [image(np.zeros((0, 48, 64, 3), np.uint8))]}, 400, "at once"),
        ({"inputs": [image(np.zeros((1, 48, 64, 3), np.uint8), datatype="FP64")]}, 422, "datatype"),
        ({"inputs": [image(np.zeros((1, 48, 64, 3), np.uint8))], "outputs": [{"name": "soul"}]}, 400, "soul"),
        ({"inputs": [{"name": "image", "shape": [1], "datatype": "BYTES", "data": ["%%%"]}]}, 400, "base64"),
        ({"inputs": [{"name": "image", "shape": [1], "datatype": "BYTES", "data": [7]}]}, 400, "base64"),
        ({"inputs": [files(b"no image at all")]}, 422, "image 0"),
        ({"inputs": [files(blank())]}, 422, "unusable"),
        ({"inputs": [files(drawn())], "parameters": {"age": "old"}}, 400, "age"),
        ({"inputs": [files(drawn())], "parameters": {"age": 500}}, 422, "500"),
    ],
)
def test_what_cannot_be_run_is_refused_in_the_protocols_words(
    served: Served, body: Any, status: int, said: str
) -> None:
    answered = infer(served, body)
    assert (answered.status_code, list(answered.json())) == (status, ["error"]), answered.text
    assert said in answered.json()["error"]


def test_absent_models_absent_keys_and_bodies_that_are_no_json_are_refused_so_too(served: Served) -> None:
    absent = infer(served, {"inputs": [files(drawn())]}, "/v2/models/nothing/infer")
    version = infer(served, {"inputs": [files(drawn())]}, f"/v2/models/{NAME}/versions/99/infer")
    keyless = served.client.post(f"/v2/models/{NAME}/infer", json={})
    reader = infer(served, {"inputs": [files(drawn())]}, role="reader")
    broken = served.post(f"/v2/models/{NAME}/infer", content=b"{", headers={"Content-Type": "application/json"})
    for answered, status in ((absent, 404), (version, 404), (keyless, 401), (reader, 403), (broken, 422)):
        assert (answered.status_code, list(answered.json())) == (status, ["error"])
    assert keyless.headers["www-authenticate"] == "Bearer"
