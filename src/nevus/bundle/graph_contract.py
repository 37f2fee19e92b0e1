"""Whether a loaded graph has the inputs and outputs that `bundle.json` says."""

from __future__ import annotations

from pathlib import Path

from nevus.bundle.errors import BundleError
from nevus.bundle.metadata import width
from nevus.bundle.runtimes import Runtime
from nevus.bundle.schema import BundleManifest


def check_graph(runtime: Runtime, manifest: BundleManifest, graph: Path) -> None:
    """Check that a graph has what `bundle.json` says.

    Raises:
        BundleError: it doesn't.
    """
    absent = sorted(set(manifest.outputs) - set(runtime.outputs))
    if absent or "probabilities" not in runtime.outputs:
        raise BundleError(f"{graph} lacks the output {', '.join(absent) or 'probabilities'}.")
    if (runtime.metadata_width or 0) != width(manifest.metadata):
        raise BundleError(
            f"{graph} takes {runtime.metadata_width or 0} metadata values, and bundle.json encodes "
            f"{width(manifest.metadata)}."
        )
