"""Which class runs which engine."""

from __future__ import annotations

from pathlib import Path

from nevus.bundle.runtimes.base import Runtime
from nevus.bundle.schema import RuntimeSpec


def load_runtime(graph: Path, spec: RuntimeSpec, *, threads: int = 1) -> Runtime:
    """Load a graph with the engine that `spec` names; an engine is imported only when it's used.

    Raises:
        BundleError, MissingExtraError: as the engine's `load`.
    """
    if spec.engine == "openvino":
        from nevus.bundle.runtimes.openvino import OpenVino

        return OpenVino.load(graph, spec, threads=threads)
    from nevus.bundle.runtimes.onnxruntime import OnnxRuntime

    return OnnxRuntime.load(graph, spec, threads=threads)
