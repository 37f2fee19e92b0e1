"""OpenVINO on the CPU, at the precision that the bundle states and not at the one it prefers."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from nevus.bundle.errors import BundleError, InferenceError
from nevus.bundle.runtimes.base import IMAGE, METADATA, OUTPUTS, Outputs, check_inputs, feeds
from nevus.bundle.schema import RuntimeSpec
from nevus.errors import require

_HINTS = {"fp32": "f32", "int8": "f32", "bf16": "bf16"}
"""Bundle precision -> what is computed where the graph itself doesn't say (an int8 graph does)."""
_first_use = threading.Lock()


class OpenVino:
    """A compiled model of OpenVINO, with one inference request for each calling thread."""

    engine = "openvino"

    def __init__(self, compiled: Any, precision: str, metadata_width: int | None) -> None:
        self.precision = precision
        self.metadata_width = metadata_width
        self._ports = _ports(compiled)
        self.outputs = tuple(self._ports)
        self._compiled = compiled
        self._local = threading.local()

    @classmethod
    def load(cls, graph: Path, spec: RuntimeSpec, *, threads: int = 1) -> Self:
        """Compile a graph for `threads` callers.

        Raises:
            MissingExtraError: OpenVINO isn't installed.
            BundleError: it can't read the graph, the graph breaks the contract, or it won't compute as it should.
        """
        openvino = require("openvino", "openvino")
        with _first_use:
            _make_type_tables(openvino)
        hint = _HINTS[spec.precision]
        try:
            compiled = openvino.Core().compile_model(
                str(graph),
                "CPU",
                {"INFERENCE_PRECISION_HINT": hint, "NUM_STREAMS": str(threads), "INFERENCE_NUM_THREADS": str(threads)},
            )
        except RuntimeError as error:
            raise BundleError(f"{graph} can't be compiled by OpenVINO at {spec.precision}: {error}") from error
        used = compiled.get_property("INFERENCE_PRECISION_HINT").to_string()
        if hint == "f32" and used != "f32":
            raise BundleError(f"OpenVINO computes {graph} in {used} though f32 was asked for: use onnxruntime instead.")
        inputs = {i.get_any_name(): i for i in compiled.inputs}
        image_type = inputs[IMAGE].get_element_type().to_string() if IMAGE in inputs else ""
        shape = _shape(inputs[METADATA]) if METADATA in inputs else None
        width = check_inputs(graph, list(inputs), {"u8": "uint8"}.get(image_type, image_type), shape)
        return cls(compiled, spec.precision if hint == used else "fp32", width)

    def run(self, image: NDArray[np.uint8], metadata: NDArray[np.float32] | None = None) -> Outputs:
        """Run a batch.

        Raises:
            InferenceError: the graph can't be run on what it's given.
        """
        if not hasattr(self._local, "request"):
            self._local.request = self._compiled.create_infer_request()
        try:
            values = self._local.request.infer(feeds(image, metadata, self.metadata_width))
        except RuntimeError as error:
            raise InferenceError(f"OpenVINO can't run the graph on {list(image.shape)}: {error}") from error
        return {name: np.array(values[port]) for name, port in self._ports.items()}


def _make_type_tables(openvino: Any) -> None:
    """Let OpenVINO's binding make its tables of numpy's types, which it does at first use, and once.

    It lets go of Python's lock meanwhile. Where two threads of a process infer for the first time, one holds that lock
    and waits for the table, the other makes the table and waits for the lock, for ever (seen with 2026.4.1).
    """
    _ = openvino.Tensor(np.zeros(1, np.uint8)).data


def _ports(compiled: Any) -> dict[str, int]:
    """Output name -> its number. OpenVINO merges tensors that are equal, and then one port has several names."""
    found: dict[str, int] = {}
    for number, port in enumerate(compiled.outputs):
        names = port.get_names()
        found |= dict.fromkeys(sorted(names & set(OUTPUTS)) or [port.get_any_name()], number)
    return found


def _shape(port: Any) -> list[int | str]:
    return [d.get_length() if d.is_static else "?" for d in port.get_partial_shape()]
