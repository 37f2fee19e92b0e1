"""A graph's convolutions in 8-bit integers; everything that decides on them stays in floating point."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nevus.bundle.conversion.lineage import Lineage
from nevus.bundle.errors import BundleError
from nevus.bundle.runtimes.base import IMAGE, METADATA
from nevus.errors import require

_HEAVY = frozenset(("Conv", "MatMul", "Gemm"))
_LIGHT = frozenset(("Clip", "Relu", "Add"))
_LEAST_SHARE = 1 / 3


def quantise_graph(graph: Path, images: Sequence[NDArray[np.uint8]], metadata_width: int | None) -> bytes:
    """Quantise statically, as pairs of quantise and dequantise (QDQ), weights by channel.

    Convolutions and what stands between them become 8-bit. The head (pooling, logits, softmax, evidence) keeps its
    precision, and so does all that the novelty score looks through, for its limit was fixed on exact values; unless
    that would leave less than a third of the convolutions to quantise.

    Args:
        graph: an ONNX file.
        images: framed pixels uint8 [height, width, 3], like those of later use; they set the ranges.
        metadata_width: M of the graph's input `metadata`; None if it has none.

    Raises:
        MissingExtraError: onnx isn't installed.
        BundleError: the graph has no convolution.
    """
    onnx = require("onnx", "training")
    quantization = require("onnxruntime.quantization", "training")
    model = onnx.load(graph)
    for number, node in enumerate(model.graph.node):
        node.name = f"{number}.{node.op_type}"
    chosen = choose_nodes(model.graph)
    if not chosen:
        raise BundleError(f"{graph} has no convolution, so int8 would change nothing.")
    give_own_weights(model.graph, frozenset(chosen))
    with tempfile.TemporaryDirectory() as folder:
        named, quantised = Path(folder) / "named.onnx", Path(folder) / "quantised.onnx"
        onnx.save(model, named)
        quantization.quantize_static(
            named,
            quantised,
            _Calibration(images, metadata_width),
            quant_format=quantization.QuantFormat.QDQ,
            op_types_to_quantize=sorted(_HEAVY | _LIGHT),
            per_channel=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
            nodes_to_quantize=chosen,
        )
        return quantised.read_bytes()


def choose_nodes(graph: Any) -> list[str]:
    """Names of the nodes of an ONNX graph that may be 8-bit, as `quantise_graph` says."""
    lineage = Lineage(graph)
    leading = lineage.ancestors_of_output("probabilities")
    convolutions = {n.name for n in graph.node if n.op_type == "Conv" and n.name in leading}
    before_one = {name for conv in convolutions for name in lineage.ancestors(conv)}
    after_one = {n.name for n in graph.node if lineage.ancestors(n.name) & convolutions}
    activations = {n.name for n in graph.node if lineage.parents(n.name) & convolutions and n.op_type != "Add"}
    inside = convolutions | (before_one & after_one) | activations
    exact = lineage.ancestors_of_output("ood_score")
    if len(convolutions - exact) < _LEAST_SHARE * len(convolutions):
        exact = frozenset()
    wanted = {n.name for n in graph.node if n.op_type in _HEAVY | _LIGHT}
    return [n.name for n in graph.node if n.name in (inside & wanted) - exact]


def give_own_weights(graph: Any, chosen: frozenset[str]) -> None:
    """Give the nodes that are to be 8-bit copies of the constants that they share with others.

    The novelty branch begins with the trunk's own weights, kept once in the graph. Quantised there they would be so for
    both; and OpenVINO, which folds an 8-bit convolution's scales away, then computes the other one wrongly.
    """
    constants = {constant.name: constant for constant in graph.initializer}
    elsewhere = {name for node in graph.node if node.name not in chosen for name in node.input}
    copies: dict[str, str] = {}
    for node in graph.node:
        for place, name in enumerate(node.input):
            if node.name in chosen and name in constants and name in elsewhere:
                if name not in copies:
                    copies[name] = f"{name}.8bit"
                    copy = graph.initializer.add()
                    copy.CopyFrom(constants[name])
                    copy.name = copies[name]
                node.input[place] = copies[name]


class _Calibration:
    """What `quantize_static` reads: one image after the other, by the names of the graph's inputs."""

    def __init__(self, images: Sequence[NDArray[np.uint8]], metadata_width: int | None) -> None:
        self._feeds = self._each(images, metadata_width)

    def get_next(self) -> dict[str, NDArray[Any]] | None:
        """The next image's inputs; None at the end."""
        return next(self._feeds, None)

    @staticmethod
    def _each(images: Sequence[NDArray[np.uint8]], metadata_width: int | None) -> Iterator[dict[str, NDArray[Any]]]:
        for image in images:
            feeds: dict[str, NDArray[Any]] = {IMAGE: image[None]}
            if metadata_width is not None:
                feeds[METADATA] = np.zeros((1, metadata_width), np.float32)
            yield feeds
