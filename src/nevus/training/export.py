"""Export of a bundle's graph to ONNX, and its temperature set afterwards."""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import nn

from nevus.errors import NevusError

OUTPUTS = ("probabilities", "logits", "embedding", "ood_score", "evidence")
MAX_BATCH = 4096


class ExportError(NevusError):
    """The graph can't be exported."""


def export_graph(
    graph: nn.Module, *, height: int, width: int, metadata_width: int, outputs: Sequence[str] = OUTPUTS
) -> bytes:
    """The graph as one ONNX file: inputs `image` uint8 [N,H,W,3] and `metadata` float32 [N,M], and its outputs by name.

    Traced with a batch of two, so that N stays free; local paths and other traces of the exporter are stripped.

    Raises:
        ExportError: torch's exporter refuses the backbone.
    """
    graph = graph.eval().float().cpu()
    n = torch.export.Dim("N", min=1, max=MAX_BATCH)
    image = torch.zeros(2, height, width, 3, dtype=torch.uint8)
    metadata = torch.zeros(2, metadata_width)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        path = Path(folder) / "model.onnx"
        try:
            torch.onnx.export(
                graph,
                (image, metadata),
                path,
                dynamo=True,
                dynamic_shapes={"image": {0: n}, "metadata": {0: n}},
                external_data=False,
                input_names=["image", "metadata"],
                output_names=list(outputs),
                verbose=False,
            )
        except (torch.onnx.errors.OnnxExporterError, RuntimeError) as error:
            raise ExportError(f"the network can't be exported to ONNX: {str(error).splitlines()[0]}") from error
        model = onnx.load(path)
    return bytes(_clean(model).SerializeToString())


def with_temperature(model: bytes, temperature: float) -> bytes:
    """The same graph, dividing its logits by another temperature.

    Raises:
        ExportError: the graph has no temperature of its own.
    """
    proto = onnx.load_from_string(model)
    found = [tensor for tensor in proto.graph.initializer if tensor.name.split(".")[-1] == "temperature"]
    if len(found) != 1:
        raise ExportError(f"the graph holds {len(found)} tensors named temperature, where one is needed.")
    found[0].CopyFrom(numpy_helper.from_array(np.array([temperature], dtype=np.float32), found[0].name))
    return bytes(proto.SerializeToString())


def _clean(model: onnx.ModelProto) -> onnx.ModelProto:
    del model.metadata_props[:]
    model.doc_string = model.graph.doc_string = ""
    del model.graph.metadata_props[:]
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    for value in [*model.graph.value_info, *model.graph.input, *model.graph.output, *model.graph.initializer]:
        del value.metadata_props[:]
        value.doc_string = ""
    for function in model.functions:
        for node in function.node:
            del node.metadata_props[:]
    onnx.checker.check_model(model)
    return model
