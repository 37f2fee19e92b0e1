"""Writing a bundle: all of it or nothing, and only one that its own runtime reproduces."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import numpy as np

from nevus.bundle.directory import CHECKSUMS, GRAPH, MANIFEST, SELFTEST, write_checksums
from nevus.bundle.errors import BundleError
from nevus.bundle.graph_contract import check_graph
from nevus.bundle.runtimes import Outputs, load_runtime
from nevus.bundle.schema import BundleManifest
from nevus.bundle.selftest import make_selftest
from nevus.bundle.verdict import default_operating_point


def write_bundle(
    directory: Path,
    manifest: BundleManifest,
    graph: bytes | Path,
    *,
    files: Mapping[str, bytes] | None = None,
) -> str:
    """Write a bundle: graph, `bundle.json`, further files, the self-test that its graph gives, and checksums.

    It is built beside its place and moved there when it is whole; an older bundle there is replaced.

    Args:
        directory: where; its parents are made.
        manifest: the contents of `bundle.json`.
        graph: an ONNX file or its bytes, with the inputs and outputs of the graph contract.
        files: name -> contents of what else belongs to it (`metrics.json`, `profile.parquet`, `card.md`).

    Returns:
        The bundle's digest.

    Raises:
        BundleError: the graph and `manifest` don't fit together, or there is something else at `directory`.
    """
    directory = Path(directory)
    _check_manifest(manifest)
    if (
        directory.exists()
        and not (directory / MANIFEST).is_file()
        and (directory.is_file() or any(directory.iterdir()))
    ):
        raise BundleError(f"{directory} exists and is not a bundle, so it is not replaced. Choose another place.")
    directory.parent.mkdir(parents=True, exist_ok=True)
    partial = directory.with_name(f".{directory.name}.partial-{os.getpid()}")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir()
        _fill(partial, manifest, graph, files or {})
        digest = write_checksums(partial)
        _move(partial, directory)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return digest


def _holds_something_else(directory: Path) -> bool:
    if not directory.exists() or (directory / MANIFEST).is_file():
        return False
    return not directory.is_dir() or any(directory.iterdir())


def _fill(partial: Path, manifest: BundleManifest, graph: bytes | Path, files: Mapping[str, bytes]) -> None:
    if isinstance(graph, bytes):
        (partial / GRAPH).write_bytes(graph)
    else:
        shutil.copyfile(graph, partial / GRAPH)
    (partial / MANIFEST).write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")
    for name, content in files.items():
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or path.parts[0] in (GRAPH, MANIFEST, CHECKSUMS, SELFTEST):
            raise BundleError(f"{name!r} can't be the name of a further file of a bundle.")
        (partial / path).parent.mkdir(parents=True, exist_ok=True)
        (partial / path).write_bytes(content)
    runtime = load_runtime(partial / GRAPH, manifest.runtime)
    check_graph(runtime, manifest, partial / GRAPH)
    _check_outputs(make_selftest(partial, runtime), manifest)


def _check_manifest(manifest: BundleManifest) -> None:
    strange = sorted(set(manifest.malignant) - set(manifest.classes))
    if strange or len(set(manifest.classes)) != len(manifest.classes):
        raise BundleError(f"the malignant classes {strange} are not among the classes {list(manifest.classes)}.")
    if manifest.default_operating_point is not None and default_operating_point(manifest) is None:
        raise BundleError(f"the default operating point {manifest.default_operating_point!r} is not among those given.")


def _check_outputs(outputs: Outputs, manifest: BundleManifest) -> None:
    probabilities = outputs["probabilities"]
    if probabilities.ndim != 2 or probabilities.shape[1] != len(manifest.classes):
        raise BundleError(
            f"the graph's probabilities are {list(probabilities.shape)} for {len(manifest.classes)} classes; "
            "they must be [N, classes]."
        )
    if probabilities.min() < 0 or not np.allclose(probabilities.sum(axis=1), 1, atol=1e-3):
        raise BundleError("the graph's probabilities don't add up to 1: it lacks a softmax.")


def _move(partial: Path, directory: Path) -> None:
    """Put the new directory in place; the old one steps aside first, for a rename can't replace a full directory."""
    old = directory.with_name(f".{directory.name}.old-{os.getpid()}")
    if directory.exists():
        directory.rename(old)
    try:
        partial.rename(directory)
    except OSError:
        if old.exists():
            old.rename(directory)
        raise
    shutil.rmtree(old, ignore_errors=True)
