"""ONNX Runtime on the CPU: one thread a call, so that a pool of callers scales."""

from __future__ import annotations

from pathlib import Path
from typing import Self

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from nevus.bundle.errors import BundleError, InferenceError
from nevus.bundle.runtimes.base import IMAGE, METADATA, Outputs, check_inputs, feeds
from nevus.bundle.schema import RuntimeSpec

_ONLY_ERRORS = 3


class OnnxRuntime:
    """A session of ONNX Runtime."""

    engine = "onnxruntime"

    def __init__(self, session: onnxruntime.InferenceSession, precision: str, metadata_width: int | None) -> None:
        self.precision = precision
        self.metadata_width = metadata_width
        self.outputs = tuple(output.name for output in session.get_outputs())
        self._session = session

    @classmethod
    def load(cls, graph: Path, spec: RuntimeSpec, *, threads: int = 1) -> Self:  # noqa: ARG003 - calls bring threads
        """Load a graph.

        Raises:
            BundleError: the file isn't a graph that ONNX Runtime can run, or breaks the graph contract.
        """
        onnxruntime.set_default_logger_severity(_ONLY_ERRORS)
        onnxruntime.disable_telemetry_events()
        try:
            session = onnxruntime.InferenceSession(str(graph), session_options(), providers=["CPUExecutionProvider"])
        except Exception as error:  # its exceptions share no base class
            raise BundleError(f"{graph} can't be loaded by ONNX Runtime: {error}") from error
        inputs = {i.name: i for i in session.get_inputs()}
        image_type = inputs[IMAGE].type if IMAGE in inputs else ""
        metadata_shape = inputs[METADATA].shape if METADATA in inputs else None
        width = check_inputs(graph, list(inputs), image_type.removeprefix("tensor(").removesuffix(")"), metadata_shape)
        return cls(session, spec.precision, width)

    def run(self, image: NDArray[np.uint8], metadata: NDArray[np.float32] | None = None) -> Outputs:
        """Run a batch.

        Raises:
            InferenceError: the graph can't be run on what it's given.
        """
        try:
            values = self._session.run(None, feeds(image, metadata, self.metadata_width))
        except Exception as error:  # as above
            raise InferenceError(f"ONNX Runtime can't run the graph on {list(image.shape)}: {error}") from error
        return dict(zip(self.outputs, values, strict=True))


def session_options() -> onnxruntime.SessionOptions:
    """One thread within and between operators, whatever the machine has."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = _ONLY_ERRORS
    return options
