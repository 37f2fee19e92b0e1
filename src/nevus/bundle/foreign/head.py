"""The end of a foreign graph: logits, embedding, and the evidence where its head allows an exact one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nevus.errors import require

_NEVER = np.float32(-1e9)
_REDUCE_SUM_TAKES_AXES = 13
"""From this opset on, the axes of ReduceSum are an input."""
_TRANSPARENT = frozenset(("Flatten", "Reshape", "Squeeze", "Identity", "Dropout", "Cast"))


@dataclass(frozen=True)
class LinearHead:
    """A head that pools a feature map and is linear in the mean, so that a class-activation map is exact.

    embedding: name of the tensor [N,D]. features: of the map [N,D,h,w], None if it wasn't found. weights: [C,D].
    """

    embedding: str
    features: str | None
    weights: NDArray[np.float32]


def find_linear_head(graph: Any, logits: str) -> LinearHead | None:
    """Find the linear layer that gives `logits`, and the pooling before it; None where the head is of another kind."""
    onnx = require("onnx", "training")
    producers = {output: node for node in graph.node for output in node.output}
    constants = {tensor.name: tensor for tensor in graph.initializer}
    node = producers.get(logits)
    if node is not None and node.op_type == "Add":
        node = next((producers[i] for i in node.input if i in producers and producers[i].op_type == "MatMul"), None)
    if node is None or node.op_type not in ("Gemm", "MatMul") or node.input[1] not in constants:
        return None
    attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    if attributes.get("transA", 0) or attributes.get("alpha", 1.0) != 1.0:
        return None
    weights = onnx.numpy_helper.to_array(constants[node.input[1]]).astype(np.float32)
    if not attributes.get("transB", 0):
        weights = weights.T
    return LinearHead(
        node.input[0], _pooled_map(onnx, producers, constants, node.input[0]), np.ascontiguousarray(weights)
    )


def _pooled_map(onnx: Any, producers: dict[str, Any], constants: dict[str, Any], name: str) -> str | None:
    node = producers.get(name)
    while node is not None and node.op_type in _TRANSPARENT:
        node = producers.get(node.input[0])
    if node is None:
        return None
    if node.op_type == "GlobalAveragePool":
        return str(node.input[0])
    if node.op_type != "ReduceMean":
        return None
    axes = next((list(a.ints) for a in node.attribute if a.name == "axes"), None)
    if axes is None and len(node.input) > 1 and node.input[1] in constants:
        axes = onnx.numpy_helper.to_array(constants[node.input[1]]).tolist()
    return str(node.input[0]) if axes is not None and sorted(a % 4 for a in axes) == [2, 3] else None


def evidence_nodes(
    head: LinearHead, logits: str, malignant: NDArray[np.bool_], opset: int
) -> tuple[list[Any], list[Any]]:
    """Nodes that give `evidence`: relu(sum over channels of d log-odds / d pooled * features), and their constants."""
    onnx = require("onnx", "training")
    make = onnx.helper.make_node
    constants = {
        "nevus.only_malignant": np.where(malignant, np.float32(0), _NEVER),
        "nevus.only_benign": np.where(malignant, _NEVER, np.float32(0)),
        "nevus.head": head.weights,
        "nevus.as_kernel": np.array([0, -1, 1, 1], np.int64),
    }
    nodes = [
        make("Add", [logits, "nevus.only_malignant"], ["nevus.z_malignant"]),
        make("Add", [logits, "nevus.only_benign"], ["nevus.z_benign"]),
        make("Softmax", ["nevus.z_malignant"], ["nevus.s_malignant"], axis=1),
        make("Softmax", ["nevus.z_benign"], ["nevus.s_benign"], axis=1),
        make("Sub", ["nevus.s_malignant", "nevus.s_benign"], ["nevus.signs"]),
        make("MatMul", ["nevus.signs", "nevus.head"], ["nevus.gradient"]),
        make("Reshape", ["nevus.gradient", "nevus.as_kernel"], ["nevus.gradient_map"]),
        make("Cast", [head.features], ["nevus.features"], to=onnx.TensorProto.FLOAT),
        make("Mul", ["nevus.features", "nevus.gradient_map"], ["nevus.weighted"]),
    ]
    if opset >= _REDUCE_SUM_TAKES_AXES:
        constants["nevus.channel_axis"] = np.array([1], np.int64)
        nodes.append(make("ReduceSum", ["nevus.weighted", "nevus.channel_axis"], ["nevus.summed"], keepdims=0))
    else:
        nodes.append(make("ReduceSum", ["nevus.weighted"], ["nevus.summed"], axes=[1], keepdims=0))
    nodes.append(make("Relu", ["nevus.summed"], ["evidence"]))
    return nodes, [onnx.numpy_helper.from_array(value, name) for name, value in constants.items()]
