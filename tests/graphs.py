"""Tiny ONNX graphs and bundles, built without torch: the graph contract in a few operators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from nevus.bundle.metadata import width as metadata_width
from nevus.bundle.schema import (
    BundleManifest,
    InputSpec,
    MetadataSpec,
    RefusalLimits,
)
from nevus.bundle.write import write_bundle
from nevus.evaluation import Estimate, OperatingPoint

CLASSES = ("mel", "nv", "bcc")
MALIGNANT = ("mel", "bcc")
METADATA = MetadataSpec(age_mean=50.0, age_std=20.0, sexes=("female", "male"), sites=("back", "face"))
POOL = 8
FEATURES = 5


def make_tiny_graph(
    classes: Sequence[str] = CLASSES,
    malignant: Sequence[str] = MALIGNANT,
    *,
    metadata: int = 0,
    outputs: Sequence[str] = ("probabilities", "logits", "embedding", "ood_score", "evidence"),
    gain: float = 4.0,
    size: tuple[int, int] | None = None,
) -> bytes:
    """An ONNX model that keeps the graph contract: darker and redder images are more malignant.

    features = relu(1x1 convolution of 8x8-averaged pixels / 255); embedding = their mean; logits are linear in the
    embedding (and the metadata); evidence = relu(features . (malignant - benign weights)); ood_score = squared
    distance of the embedding from a fixed point. `size` fixes the input's height and width.
    """
    random = np.random.default_rng(7)
    malign = np.array([c in malignant for c in classes])
    weights = random.normal(0, 0.3, (len(classes), FEATURES)).astype(np.float32)
    weights[malign, 0] += gain
    weights[~malign, 1] += gain
    kernel = np.abs(random.normal(0, 0.3, (FEATURES, 3))).astype(np.float32)
    kernel[0], kernel[1] = (0.4, -1.1, -1.1), (-0.3, 0.5, 0.4)
    constants = {
        "scale": np.float32(255),
        "kernel": kernel.reshape(FEATURES, 3, 1, 1),
        "bias": np.array([0.9, 0, 0, 0, 0], np.float32),
        "weights": weights.T.copy(),
        "metadata_weights": random.normal(0, 0.5, (metadata, len(classes))).astype(np.float32),
        "evidence_weights": (weights[malign].mean(0) - weights[~malign].mean(0)).reshape(1, FEATURES, 1, 1),
        "centre": np.full(FEATURES, 0.3, np.float32),
        "axis": np.array([1], np.int64),
        "space": np.array([2, 3], np.int64),
    }
    nodes = [
        helper.make_node("Transpose", ["image"], ["channels"], perm=[0, 3, 1, 2]),
        helper.make_node("Cast", ["channels"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Div", ["floats", "scale"], ["shares"]),
        helper.make_node("AveragePool", ["shares"], ["pooled"], kernel_shape=[POOL, POOL], strides=[POOL, POOL]),
        helper.make_node("Conv", ["pooled", "kernel", "bias"], ["convolved"]),
        helper.make_node("Relu", ["convolved"], ["features"]),
        helper.make_node("ReduceMean", ["features", "space"], ["embedding"], keepdims=0),
        helper.make_node("MatMul", ["embedding", "weights"], ["image_logits"]),
    ]
    if metadata:
        nodes += [
            helper.make_node("MatMul", ["metadata", "metadata_weights"], ["metadata_logits"]),
            helper.make_node("Add", ["image_logits", "metadata_logits"], ["logits"]),
        ]
    else:
        nodes.append(helper.make_node("Identity", ["image_logits"], ["logits"]))
    nodes += [
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
        helper.make_node("Sub", ["embedding", "centre"], ["offset"]),
        helper.make_node("ReduceSumSquare", ["offset", "axis"], ["ood_score"], keepdims=0),
        helper.make_node("Conv", ["features", "evidence_weights"], ["signed_evidence"]),
        helper.make_node("Relu", ["signed_evidence"], ["evidence_map"]),
        helper.make_node("Squeeze", ["evidence_map", "axis"], ["evidence"]),
    ]
    inputs = [helper.make_tensor_value_info("image", TensorProto.UINT8, ["N", *(size or ("H", "W")), 3])]
    if metadata:
        inputs.append(helper.make_tensor_value_info("metadata", TensorProto.FLOAT, ["N", metadata]))
    shapes: Mapping[str, list[Any]] = {
        "probabilities": ["N", len(classes)],
        "logits": ["N", len(classes)],
        "embedding": ["N", FEATURES],
        "ood_score": ["N"],
        "evidence": ["N", "h", "w"],
    }
    graph = helper.make_graph(
        nodes,
        "tiny",
        inputs,
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shapes[name]) for name in outputs],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def make_tiny_manifest(
    classes: Sequence[str] = CLASSES,
    malignant: Sequence[str] = MALIGNANT,
    *,
    height: int = 48,
    width: int = 64,
    threshold: float = 0.4,
    metadata: MetadataSpec | None = None,
    refusal: RefusalLimits | None = None,
    **changes: Any,
) -> BundleManifest:
    """The description that fits `make_tiny_graph`."""
    point = OperatingPoint(
        name="sensitivity_95",
        threshold=threshold,
        target_sensitivity=0.95,
        sensitivity=Estimate(value=0.95, low=0.9, high=0.98),
        specificity=Estimate(value=0.6, low=0.5, high=0.7),
    )
    fields: dict[str, Any] = {
        "name": "tiny",
        "created_at": datetime(2026, 1, 2, tzinfo=UTC),
        "task": "diagnosis",
        "classes": tuple(classes),
        "malignant": tuple(malignant),
        "input": InputSpec(height=height, width=width),
        "metadata": metadata,
        "operating_points": (point,),
        "default_operating_point": point.name,
        "refusal": refusal or RefusalLimits(),
    }
    return BundleManifest(**{**fields, **changes})


def make_tiny_bundle(
    directory: Path,
    manifest: BundleManifest | None = None,
    *,
    files: Mapping[str, bytes] | None = None,
    gain: float = 4.0,
    **changes: Any,
) -> Path:
    """Write a bundle that works: `changes` are the arguments of `make_tiny_manifest`; `gain` makes another model."""
    manifest = manifest or make_tiny_manifest(**changes)
    graph = make_tiny_graph(
        manifest.classes,
        manifest.malignant,
        metadata=metadata_width(manifest.metadata),
        outputs=manifest.outputs,
        gain=gain,
    )
    write_bundle(directory, manifest, graph, files=files)
    return directory
