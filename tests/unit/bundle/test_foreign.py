"""A foreign classifier becomes a bundle that gives exactly what the classifier itself gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper
from tests.graphs import make_tiny_manifest

from nevus.bundle import BundleError, Predictor, write_bundle
from nevus.bundle.foreign import InputFormat, import_onnx
from nevus.bundle.selftest import draw_cases
from nevus.errors import InputError

CLASSES, MALIGNANT = ("mel", "nv", "bcc"), ("mel", "bcc")
WIDTH = 4
IMAGENET = InputFormat((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
RANDOM = np.random.default_rng(5)
KERNEL = RANDOM.normal(0, 0.5, (WIDTH, 3, 3, 3)).astype(np.float32)
HEAD = RANDOM.normal(0, 1.5, (3, WIDTH)).astype(np.float32)


def classifier(
    *,
    ending: str = "logits",
    head: str = "Gemm",
    layout: str = "nchw",
    batch: int | str = "batch",
    opset: int = 17,
    columns: int = 3,
    kind: int = TensorProto.FLOAT,
) -> bytes:
    """A small convolutional classifier as other tools export it; `ending`: logits, Softmax, Sigmoid."""
    numbers = np.float16 if kind == TensorProto.FLOAT16 else np.float32
    weights = {"kernel": KERNEL, "head": HEAD[:columns] if head == "Gemm" else HEAD[:columns].T}
    nodes = [helper.make_node("Identity", ["input"], ["x"])]
    if layout == "nhwc":
        nodes = [helper.make_node("Transpose", ["input"], ["x"], perm=[0, 3, 1, 2])]
    nodes += [
        helper.make_node("Conv", ["x", "kernel"], ["convolved"]),
        helper.make_node("Relu", ["convolved"], ["map"]),
        helper.make_node("GlobalAveragePool", ["map"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
    ]
    if head == "Gemm":
        nodes.append(helper.make_node("Gemm", ["flat", "head"], ["logits"], transB=1))
    else:
        nodes.append(helper.make_node("MatMul", ["flat", "head"], ["logits"]))
    if ending != "logits":
        nodes.append(helper.make_node(ending, ["logits"], ["scores"]))
    shape: list[Any] = [batch, 3, None, None] if layout == "nchw" else [batch, None, None, 3]
    graph = helper.make_graph(
        nodes,
        "foreign",
        [helper.make_tensor_value_info("input", kind, shape)],
        [helper.make_tensor_value_info("logits" if ending == "logits" else "scores", kind, [batch, columns])],
        [numpy_helper.from_array(value.astype(numbers), name) for name, value in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8).SerializeToString()


def file(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "foreign.onnx"
    path.write_bytes(content)
    return path


def bundle(tmp_path: Path, content: bytes, form: InputFormat = IMAGENET, **options: Any) -> Predictor:
    arguments = {"classes": CLASSES, "malignant": MALIGNANT, **options}
    imported = import_onnx(file(tmp_path, content), height=48, width=64, form=form, **arguments)
    manifest = make_tiny_manifest(arguments["classes"], arguments["malignant"], outputs=imported.outputs)
    write_bundle(tmp_path / "bundle", manifest, imported.graph)
    return Predictor(tmp_path / "bundle", threads=1)


def by_hand(content: bytes, form: InputFormat, layout: str = "nchw") -> np.ndarray:
    """The classifier's own output, pre-processed in numpy."""
    pixels = draw_cases(48, 64).astype(np.float32)
    pixels = {"0..1": pixels / 255, "0..255": pixels, "-1..1": pixels / 127.5 - 1}[form.input_range]
    if form.channels == "bgr":
        pixels = pixels[..., ::-1]
    pixels = ((pixels - np.array(form.mean)) / np.array(form.std)).astype(np.float32)
    if layout == "nchw":
        pixels = pixels.transpose(0, 3, 1, 2)
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    if session.get_inputs()[0].type == "tensor(float16)":
        pixels = pixels.astype(np.float16)
    singly = [session.run(None, {"input": np.ascontiguousarray(p[None])})[0] for p in pixels]
    return np.concatenate(singly).astype(np.float32)


def softmax(z: np.ndarray) -> np.ndarray:
    e = np.exp(z - z.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


@pytest.mark.parametrize(
    "form",
    [
        IMAGENET,
        InputFormat(),
        InputFormat((0.5, 0.4, 0.3), (0.2, 0.5, 0.9), channels="bgr"),
        InputFormat((104, 117, 123), (57, 58, 59), input_range="0..255", channels="bgr"),
        InputFormat((0.1, 0.0, -0.1), (0.5, 1, 2), input_range="-1..1"),
    ],
    ids=["imagenet", "plain", "bgr", "caffe", "tensorflow"],
)
@pytest.mark.parametrize("layout", ["nchw", "nhwc"])
def test_the_bundle_gives_what_the_classifier_gives(tmp_path: Path, form: InputFormat, layout: str) -> None:
    content = classifier(layout=layout)
    outputs = bundle(tmp_path, content, form).run_arrays(draw_cases(48, 64))
    expected = by_hand(content, form, layout)
    np.testing.assert_allclose(outputs["logits"], expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(outputs["probabilities"], softmax(expected), atol=1e-5)


@pytest.mark.parametrize(
    "options", [{"opset": 11}, {"opset": 12, "batch": 1}, {"head": "MatMul"}, {"ending": "Softmax"}]
)
def test_the_evidence_is_the_exact_class_activation_map(tmp_path: Path, options: dict[str, Any]) -> None:
    """relu(gradient of the malignant log-odds . features), the gradient by finite differences."""
    outputs = bundle(tmp_path, classifier(**options)).run_arrays(draw_cases(48, 64))
    pooled = outputs["embedding"].astype(np.float64)
    assert pooled.shape == (4, WIDTH)
    malign = np.array([c in MALIGNANT for c in CLASSES])

    def odds(p: np.ndarray) -> np.ndarray:
        z = p @ HEAD.T.astype(np.float64)
        return np.log(np.exp(z[:, malign]).sum(1)) - np.log(np.exp(z[:, ~malign]).sum(1))

    steps = 1e-5 * np.eye(WIDTH)
    gradient = np.stack([(odds(pooled + s) - odds(pooled - s)) / 2e-5 for s in steps], 1)
    pixels = ((draw_cases(48, 64) / 255 - IMAGENET.mean) / IMAGENET.std).transpose(0, 3, 1, 2).astype(np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(pixels, (3, 3), axis=(2, 3))
    features = np.maximum(np.einsum("nchwij,dcij->ndhw", windows, KERNEL), 0)
    expected = np.maximum(np.einsum("nd,ndhw->nhw", gradient, features), 0)
    assert expected.max() > 0
    np.testing.assert_allclose(outputs["evidence"], expected, atol=1e-4 * expected.max())


def test_probabilities_are_not_put_through_another_softmax(tmp_path: Path) -> None:
    content = classifier(ending="Softmax")
    outputs = bundle(tmp_path, content).run_arrays(draw_cases(48, 64))
    np.testing.assert_allclose(outputs["probabilities"], by_hand(content, IMAGENET), atol=1e-5)


def test_probabilities_of_an_unknown_ending_are_recognised_by_their_values(tmp_path: Path) -> None:
    model = onnx.load_from_string(classifier(ending="Softmax"))
    model.graph.node.append(helper.make_node("Identity", ["scores"], ["hidden"]))
    model.graph.output[0].name = "hidden"
    content = model.SerializeToString()
    imported = import_onnx(
        file(tmp_path, content), classes=CLASSES, malignant=MALIGNANT, height=48, width=64, form=IMAGENET
    )
    assert imported.scores == "probabilities"
    assert imported.outputs == ("probabilities", "logits")
    outputs = bundle(tmp_path, content).run_arrays(draw_cases(48, 64))
    np.testing.assert_allclose(outputs["probabilities"], by_hand(content, IMAGENET), atol=1e-5)


@pytest.mark.parametrize(("ending", "scores"), [("Sigmoid", None), ("logits", "logits"), ("Sigmoid", "probabilities")])
def test_one_column_is_the_score_of_the_second_of_two_classes(tmp_path: Path, ending: str, scores: str | None) -> None:
    content = classifier(ending=ending, columns=1)
    options = {"classes": ("benign", "malignant"), "malignant": ("malignant",), "scores": scores}
    outputs = bundle(tmp_path, content, **options).run_arrays(draw_cases(48, 64))
    own = by_hand(content, IMAGENET)[:, 0]
    expected = own if ending == "Sigmoid" else 1 / (1 + np.exp(-own))
    np.testing.assert_allclose(outputs["probabilities"][:, 1], expected, atol=1e-5)
    np.testing.assert_allclose(outputs["probabilities"].sum(1), 1, atol=1e-6)


def test_a_half_precision_classifier_works(tmp_path: Path) -> None:
    content = classifier(kind=TensorProto.FLOAT16)
    outputs = bundle(tmp_path, content).run_arrays(draw_cases(48, 64))
    np.testing.assert_allclose(outputs["logits"], by_hand(content, IMAGENET), atol=0.02)


def test_an_imported_model_predicts_without_novelty_score(tmp_path: Path) -> None:
    predictor = bundle(tmp_path, classifier())
    (answer,) = predictor.predict([draw_cases(96, 128)[1]])
    record = answer.as_record()
    assert record["ood_score"] is None
    assert record["verdict"] in ("suspicious", "low_suspicion")
    assert predictor.overlay(draw_cases(96, 128)[1], answer).shape == (96, 128, 3)


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        (b"not a model", {}, "not an ONNX model"),
        (classifier(), {"classes": ("mel", "nv"), "malignant": ("mel",)}, r"\[N, 2\]"),
        (classifier(), {"output": "typo"}, "no output 'typo'; it has logits"),
        (classifier(layout="nhwc"), {"form": InputFormat(layout="nchw")}, "layout"),
    ],
    ids=["no model", "classes", "output", "layout"],
)
def test_what_is_no_such_classifier_is_refused(
    tmp_path: Path, content: bytes, options: dict[str, Any], message: str
) -> None:
    arguments = {"classes": CLASSES, "malignant": MALIGNANT, "form": IMAGENET, "height": 48, "width": 64, **options}
    if "form" in options:
        model = onnx.load_from_string(content)
        dims = model.graph.input[0].type.tensor_type.shape.dim
        for dim, value in zip(dims, (1, 48, 64, 3), strict=True):
            dim.dim_value = value
        content = model.SerializeToString()
    with pytest.raises(BundleError, match=message):
        import_onnx(file(tmp_path, content), **arguments)


def test_a_fixed_size_that_differs_is_named(tmp_path: Path) -> None:
    model = onnx.load_from_string(classifier())
    for dim, value in zip(model.graph.input[0].type.tensor_type.shape.dim, (1, 3, 224, 224), strict=True):
        dim.dim_value = value
    with pytest.raises(BundleError, match="fixed at 224 x 224 pixels, not 48 x 64"):
        bundle(tmp_path, model.SerializeToString())


def test_a_std_of_zero_is_refused() -> None:
    with pytest.raises(InputError, match="std"):
        InputFormat(std=(0.2, 0.0, 0.2))
