"""What an engine is to the rest of nevus."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from nevus.bundle.errors import BundleError
from nevus.bundle.schema import RuntimeSpec

Outputs = dict[str, NDArray[np.float32]]

IMAGE = "image"
METADATA = "metadata"
OUTPUTS = ("probabilities", "logits", "embedding", "ood_score", "evidence")


class Runtime(Protocol):
    """A loaded graph. `run` may be called from several threads at once."""

    engine: str
    precision: str
    """What the engine really computes in, read back from it where it can choose."""
    outputs: tuple[str, ...]
    metadata_width: int | None
    """M of the graph's input `metadata`; None where the graph has no such input."""

    @classmethod
    def load(cls, graph: Path, spec: RuntimeSpec, *, threads: int) -> Self:
        """Load a graph for `threads` callers; each call of `run` computes in one thread."""

    def run(self, image: NDArray[np.uint8], metadata: NDArray[np.float32] | None = None) -> Outputs:
        """Run image uint8 [N,H,W,3] and metadata float32 [N,M]; absent metadata are fed as zeros."""


def check_inputs(graph: Path, names: list[str], image_type: str, metadata_shape: list[Any] | None) -> int | None:
    """Check the graph contract's inputs; returns M, or None without an input `metadata`.

    Raises:
        BundleError: another input, another type, or an M that isn't fixed.
    """
    strange = sorted(set(names) - {IMAGE, METADATA})
    if IMAGE not in names or strange:
        raise BundleError(
            f"{graph}: a bundle's graph has the input {IMAGE!r} and may have {METADATA!r}; this one has "
            f"{', '.join(names) or 'none'}. `nevus bundle import` wraps a model of another kind."
        )
    if image_type != "uint8":
        raise BundleError(f"{graph}: the input {IMAGE!r} must be uint8, not {image_type}.")
    if metadata_shape is None:
        return None
    if len(metadata_shape) != 2 or not isinstance(metadata_shape[1], int):
        raise BundleError(f"{graph}: the input {METADATA!r} must be [N, M] with a fixed M, not {metadata_shape}.")
    return metadata_shape[1]


def feeds(
    image: NDArray[np.uint8], metadata: NDArray[np.float32] | None, metadata_width: int | None
) -> dict[str, NDArray[Any]]:
    """The graph's inputs by name."""
    if metadata_width is None:
        return {IMAGE: image}
    if metadata is None:
        metadata = np.zeros((len(image), metadata_width), np.float32)
    return {IMAGE: image, METADATA: metadata}
