"""Building the graph contract round a foreign ONNX classifier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nevus.bundle.errors import BundleError
from nevus.bundle.foreign.head import evidence_nodes, find_linear_head
from nevus.bundle.foreign.input_format import InputFormat, preprocessing_nodes, read_layout
from nevus.bundle.foreign.scores import Scores, logits_within, score_nodes, seen_scores
from nevus.bundle.foreign.shell import Shell
from nevus.bundle.runtimes.base import IMAGE
from nevus.errors import require

_PREFIX = "imported/"


@dataclass(frozen=True)
class ImportedModel:
    """A graph that keeps the contract as far as the foreign one allows, and the outputs it has."""

    graph: bytes
    outputs: tuple[str, ...]
    scores: Scores
    """What the foreign graph's own output is."""


def import_onnx(
    path: Path,
    *,
    classes: Sequence[str],
    malignant: Sequence[str],
    height: int,
    width: int,
    form: InputFormat,
    scores: Scores | None = None,
    output: str | None = None,
) -> ImportedModel:
    """Wrap pre-processing, softmax and, where its head is linear in a pooled map, embedding and evidence.

    Args:
        path: an ONNX classifier with one image input and an output [N, classes]; or [N, 1] for two classes, the
            score of the second one.
        classes: in the order of the output.
        malignant: those of them that are malignant.
        height: of the input, in pixels.
        width: of the input, in pixels.
        form: how the pixels are normalised and laid out.
        scores: what the output is; None to tell from the graph's last operator, else from values on drawn images.
        output: the name of the output with the classes; None if only one fits.

    Raises:
        BundleError: the graph isn't such a classifier.
        MissingExtraError: onnx isn't installed.
    """
    onnx = require("onnx", "training")
    model = _load(onnx, path)
    source = _image_input(onnx, model.graph)
    tensor = source.type.tensor_type
    shape = [d.dim_value or None for d in tensor.shape.dim]
    layout = read_layout(shape, form.layout, height, width)
    raw, columns = _class_output(model.graph, len(classes), output)

    shell = Shell(
        onnx.helper.make_tensor_value_info(IMAGE, onnx.TensorProto.UINT8, [shape[0] or "N", height, width, 3])
    )
    shell.before, shell.constants = preprocessing_nodes(form, layout, tensor.elem_type, source.name)
    within = None if scores == "logits" else logits_within(model.graph, raw, columns)
    scores = scores or ("probabilities" if within else seen_scores(model, shell, raw, height, width))
    shell.after, constants = score_nodes(within or raw, "logits" if within else scores, columns)
    shell.constants += constants
    widths: dict[str, list[Any]] = {"probabilities": ["N", len(classes)], "logits": ["N", len(classes)]}
    if columns == len(classes) and (within or scores == "logits"):
        malign = np.array([c in set(malignant) for c in classes])
        widths |= _add_explanation(onnx, model, shell, within or raw, malign)
    shell.outputs = [onnx.helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, w) for n, w in widths.items()]
    shell.enclose(model)
    return ImportedModel(model.SerializeToString(), tuple(widths), scores)


def _add_explanation(
    onnx: Any, model: Any, shell: Shell, logits: str, malignant: NDArray[np.bool_]
) -> dict[str, list[Any]]:
    """Add embedding and evidence where the head allows them; returns the shapes of what was added."""
    head = find_linear_head(model.graph, logits)
    if head is None or head.weights.shape[0] != len(malignant):
        return {}
    make = onnx.helper.make_node
    shell.after.append(make("Cast", [head.embedding], ["nevus.pooled"], to=onnx.TensorProto.FLOAT))
    shell.after.append(make("Flatten", ["nevus.pooled"], ["embedding"], axis=1))
    added: dict[str, list[Any]] = {"embedding": ["N", int(head.weights.shape[1])]}
    if head.features is not None and malignant.any() and not malignant.all():
        opset = max((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), default=0)
        nodes, constants = evidence_nodes(head, "logits", malignant, opset)
        shell.after += nodes
        shell.constants += constants
        added["evidence"] = ["N", "h", "w"]
    return added


def _load(onnx: Any, path: Path) -> Any:
    try:
        model = onnx.load(path)
        onnx.checker.check_model(model)
    except FileNotFoundError:
        raise BundleError(f"there is no model file {path}.") from None
    except Exception as error:  # protobuf's and onnx's own errors share no base class
        raise BundleError(f"{path} is not an ONNX model that can be read: {str(error).splitlines()[0]}") from error
    return onnx.compose.add_prefix(model, _PREFIX)


def _image_input(onnx: Any, graph: Any) -> Any:
    constants = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in constants]
    if len(inputs) != 1:
        names = ", ".join(value.name.removeprefix(_PREFIX) for value in inputs)
        raise BundleError(f"the model has the inputs {names or 'none'}; only models with one image input are imported.")
    if inputs[0].type.tensor_type.elem_type not in (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16):
        raise BundleError(f"the model's input {inputs[0].name.removeprefix(_PREFIX)} is neither float nor float16.")
    return inputs[0]


def _class_output(graph: Any, classes: int, wanted: str | None) -> tuple[str, int]:
    """The name of the output with a column for each class, and its number of columns."""
    shapes = {o.name.removeprefix(_PREFIX): [d.dim_value for d in o.type.tensor_type.shape.dim] for o in graph.output}
    listed = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
    if wanted is not None and wanted not in shapes:
        raise BundleError(f"the model has no output {wanted!r}; it has {listed}.")
    allowed = (classes, 1) if classes == 2 else (classes,)
    fitting = {
        name: classes if shape[1] == 0 else shape[1]
        for name, shape in shapes.items()
        if len(shape) == 2 and (shape[1] in allowed or shape[1] == 0) and wanted in (None, name)
    }
    if len(fitting) != 1:
        raise BundleError(
            f"{len(fitting)} of the model's outputs are [N, {classes}], as {classes} classes need; it has {listed}. "
            "Check --classes, or name the output (--output)."
        )
    name, columns = next(iter(fitting.items()))
    return _PREFIX + name, columns
