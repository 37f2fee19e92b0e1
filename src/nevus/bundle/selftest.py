"""The bundle's self-test: synthetic images whose outputs every runtime must reproduce before it serves."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from nevus.bundle.directory import GRAPH, SELFTEST, read_bundle_manifest
from nevus.bundle.errors import BundleError, InferenceError, SelfTestError
from nevus.bundle.runtimes import Outputs, Runtime, load_runtime
from nevus.bundle.schema import RuntimeSpec

CASES = "cases.safetensors"
TOLERANCES = "tolerances.json"

_SMALLEST_SCALE = 1e-3
_EXACT = {"probabilities": 1e-4, "logits": 1e-3, "embedding": 1e-3, "ood_score": 1e-3, "evidence": 1e-3}
_LOW_PRECISION = {"probabilities": 0.05, "logits": 0.1, "embedding": 0.25, "ood_score": 0.25, "evidence": 0.25}


@dataclass(frozen=True)
class SelfTestReport:
    """Output -> largest deviation, and what is tolerated; `probabilities` absolute, the rest relative to the
    largest expected value of that output."""

    deviations: dict[str, float]
    tolerances: dict[str, float]

    @property
    def passed(self) -> bool:
        """Whether every output keeps within its tolerance; NaN doesn't."""
        return all(value <= self.tolerances[name] for name, value in self.deviations.items())

    def failures(self) -> str:
        """What failed, for an error's message."""
        return ", ".join(
            f"{name} deviates by {value:.2g} (tolerated: {self.tolerances[name]:.2g})"
            for name, value in self.deviations.items()
            if not value <= self.tolerances[name]
        )


def tolerances_for(spec: RuntimeSpec) -> dict[str, float]:
    """Output -> tolerance. At bf16 and int8 other processors round differently, so more is tolerated."""
    return dict(_EXACT if spec.precision == "fp32" else _LOW_PRECISION)


def draw_cases(height: int, width: int) -> NDArray[np.uint8]:
    """Draw synthetic inputs [4, height, width, 3]: plain skin, a round lesion, an irregular one, and stripes."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    y, x = (y - (height - 1) / 2) / min(height, width), (x - (width - 1) / 2) / min(height, width)
    radius, angle = np.hypot(x, y), np.arctan2(y, x)
    shade = (1 + 0.12 * np.cos(9 * x) * np.cos(7 * y))[:, :, None]
    skin = np.array([214.0, 166, 146]) * shade
    round_edge = _soft(0.27 - radius)
    ragged_edge = _soft(0.3 + 0.07 * np.sin(5 * angle) + 0.04 * np.sin(11 * angle + 1) - np.hypot(x * 0.8, y * 1.15))
    brown, black = np.array([122.0, 74, 52]), np.array([52.0, 34, 40])
    network = (0.5 + 0.5 * np.sin(60 * x) * np.sin(60 * y))[:, :, None]
    structure = brown * network + black * (1 - network)
    stripes = 127.5 + 127.5 * np.sin(25 * x + np.array([0.0, 2.0, 4.0])[:, None, None]).transpose(1, 2, 0)
    cases = (skin, skin * (1 - round_edge) + brown * round_edge, skin * (1 - ragged_edge) + structure * ragged_edge)
    return np.stack([np.clip(np.rint(case), 0, 255).astype(np.uint8) for case in (*cases, stripes)])


def make_selftest(directory: Path, runtime: Runtime | None = None) -> Outputs:
    """Run the directory's graph on the synthetic cases and store what it gave; returns the outputs.

    Raises:
        BundleError: the graph can't be run, or doesn't give the outputs that `bundle.json` names.
    """
    manifest = read_bundle_manifest(directory)
    runtime = runtime or load_runtime(directory / GRAPH, manifest.runtime)
    image = draw_cases(manifest.input.height, manifest.input.width)
    rows, columns = np.indices((len(image), runtime.metadata_width or 0))
    metadata = ((rows * 7 + columns * 3) % 5 / 4).astype(np.float32)
    try:
        expected = run_singly(runtime, image, metadata)
    except InferenceError as error:
        size = f"{manifest.input.height} x {manifest.input.width}"
        raise BundleError(f"{directory / GRAPH} can't be run on an input of {size} pixels: {error}") from error
    for name, value in expected.items():
        if not np.isfinite(value).all():
            raise BundleError(f"{directory / GRAPH}: the output {name} of the self-test is not finite.")
    folder = directory / SELFTEST
    folder.mkdir(exist_ok=True)
    tensors = {f"expected.{name}": np.ascontiguousarray(value) for name, value in expected.items()}
    (folder / CASES).write_bytes(save({"image": image, "metadata": metadata, **tensors}))
    tolerances = {name: value for name, value in tolerances_for(manifest.runtime).items() if name in expected}
    (folder / TOLERANCES).write_text(json.dumps(tolerances, indent=2) + "\n")
    return expected


def run_selftest(runtime: Runtime, directory: Path) -> SelfTestReport:
    """Compare a runtime with the bundle's expected outputs.

    Raises:
        BundleError: the self-test's files are missing or damaged.
    """
    try:
        cases = load_file(directory / SELFTEST / CASES)
        tolerances = json.loads((directory / SELFTEST / TOLERANCES).read_bytes())
    except (OSError, ValueError, SafetensorError) as error:
        raise BundleError(f"the self-test of {directory} can't be read ({error}).") from error
    expected = {k.removeprefix("expected."): v for k, v in cases.items() if k.startswith("expected.")}
    actual = run_singly(runtime, cases["image"], cases["metadata"])
    return SelfTestReport(
        {name: deviation(name, actual.get(name), value) for name, value in expected.items()},
        {name: float(tolerances.get(name, 0.0)) for name in expected},
    )


def require_selftest(runtime: Runtime, directory: Path) -> SelfTestReport:
    """Run the self-test.

    Raises:
        SelfTestError: the runtime doesn't reproduce the recorded outputs.
    """
    report = run_selftest(runtime, directory)
    if not report.passed:
        raise SelfTestError(
            f"{runtime.engine} ({runtime.precision}) does not reproduce the self-test of {directory}: "
            f"{report.failures()}. Use another runtime or version; this one must not serve the model."
        )
    return report


def deviation(name: str, actual: NDArray[np.float32] | None, expected: NDArray[np.float32]) -> float:
    """Largest deviation: absolute for probabilities, else relative to the largest expected value; NaN where an
    output is absent, misshapen or itself NaN."""
    if actual is None or actual.shape != expected.shape:
        return float("nan")
    difference = float(np.abs(actual.astype(np.float64) - expected).max(initial=0.0))
    scale = 1.0 if name == "probabilities" else max(float(np.abs(expected).max(initial=0.0)), _SMALLEST_SCALE)
    return difference / scale


def run_singly(runtime: Runtime, image: NDArray[np.uint8], metadata: NDArray[np.float32]) -> Outputs:
    """Run one image at a time, as the predictor does."""
    runs = [runtime.run(image[i : i + 1], metadata[i : i + 1]) for i in range(len(image))]
    return {name: np.concatenate([outputs[name] for outputs in runs]) for name in runs[0]}


def _soft(inside: NDArray[np.float64]) -> NDArray[np.float64]:
    soft: NDArray[np.float64] = np.clip(inside / 0.03 + 0.5, 0, 1)[:, :, None]
    return soft
