"""A foreign classifier's scores, whatever they are, as logits and probabilities."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from nevus.bundle.errors import BundleError
from nevus.bundle.foreign.shell import Shell
from nevus.bundle.runtimes import load_runtime
from nevus.bundle.schema import RuntimeSpec
from nevus.bundle.selftest import draw_cases
from nevus.errors import require

Scores = Literal["logits", "probabilities"]

_LIMITS = {"nevus.least": 1e-9, "nevus.one": 1.0, "nevus.none": 0.0}


def logits_within(graph: Any, output: str, columns: int) -> str | None:
    """The tensor that a last softmax (several columns) or sigmoid (one) turns into `output`; None if none does."""
    last = next((node for node in graph.node if output in node.output), None)
    if last is not None and last.op_type == ("Sigmoid" if columns == 1 else "Softmax"):
        return str(last.input[0])
    return None


def score_nodes(source: str, scores: Scores, columns: int) -> tuple[list[Any], list[Any]]:
    """Nodes from `source`, [N, columns], to `logits` and `probabilities` float32 [N, classes], and their constants.

    Of probabilities the logits are the logarithms, whose softmax they are. One column is the score of the second of
    two classes, and its logit stands against 0.
    """
    onnx = require("onnx", "training")
    make = onnx.helper.make_node
    nodes = [make("Cast", [source], ["nevus.scores"], to=onnx.TensorProto.FLOAT)]
    last = "nevus.scores"
    if scores == "probabilities":
        nodes += [
            make("Max", [last, "nevus.least"], ["nevus.positive"]),
            make("Log", ["nevus.positive"], ["nevus.log"]),
        ]
        last = "nevus.log"
        if columns == 1:
            nodes += [
                make("Sub", ["nevus.one", "nevus.scores"], ["nevus.rest"]),
                make("Max", ["nevus.rest", "nevus.least"], ["nevus.positive_rest"]),
                make("Log", ["nevus.positive_rest"], ["nevus.log_rest"]),
                make("Sub", [last, "nevus.log_rest"], ["nevus.log_odds"]),
            ]
            last = "nevus.log_odds"
    if columns == 1:
        nodes.append(make("Mul", [last, "nevus.none"], ["nevus.zeros"]))
        nodes.append(make("Concat", ["nevus.zeros", last], ["logits"], axis=1))
    else:
        nodes.append(make("Identity", [last], ["logits"]))
    nodes.append(make("Softmax", ["logits"], ["probabilities"], axis=1))
    used = {name for node in nodes for name in node.input}
    constants = {name: np.array(value, np.float32) for name, value in _LIMITS.items() if name in used}
    return nodes, [onnx.numpy_helper.from_array(value, name) for name, value in constants.items()]


def seen_scores(model: Any, shell: Shell, output: str, height: int, width: int) -> Scores:
    """Tell from values on drawn images: probabilities lie in 0..1 and add up to 1.

    Raises:
        BundleError: one column, all within 0..1, may be either.
    """
    onnx = require("onnx", "training")
    draft = onnx.ModelProto()
    draft.CopyFrom(model)
    replace(
        shell,
        after=[onnx.helper.make_node("Cast", [output], ["probabilities"], to=onnx.TensorProto.FLOAT)],
        outputs=[onnx.helper.make_tensor_value_info("probabilities", onnx.TensorProto.FLOAT, ["N", "C"])],
    ).enclose(draft)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "draft.onnx"
        path.write_bytes(draft.SerializeToString())
        runtime = load_runtime(path, RuntimeSpec())
        rows = np.concatenate([runtime.run(case[None])["probabilities"] for case in draw_cases(height, width)])
    within = bool(rows.min() >= -1e-6 and rows.max() <= 1 + 1e-6)
    if rows.shape[1] == 1 and within:
        raise BundleError("it can't be told whether the model's one column is a logit or a probability; give --scores.")
    return "probabilities" if within and np.allclose(rows.sum(1), 1, atol=1e-3) else "logits"
