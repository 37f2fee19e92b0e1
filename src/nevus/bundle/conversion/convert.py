"""Converting a bundle: the same model for another engine or at another precision, as a bundle of its own."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nevus.bundle.conversion.deviation import Deviation, compare
from nevus.bundle.conversion.quantise import quantise_graph
from nevus.bundle.directory import CARD, GRAPH, METRICS, further_files
from nevus.bundle.errors import BundleError
from nevus.bundle.predictor import Predictor
from nevus.bundle.schema import BundleManifest, Conversion, RuntimeSpec
from nevus.bundle.selftest import draw_cases
from nevus.bundle.source import Source, decode_source, framed_input
from nevus.bundle.write import write_bundle
from nevus.errors import InputError
from nevus.imaging.decode import UnreadableImageError

MOST_IMAGES = 200
"""Images that set the ranges, and as many others that the variant is compared on."""
_FEWEST_IMAGES = 20


@dataclass(frozen=True)
class ConversionReport:
    """The new bundle's digest, and how far its answers are from the original's."""

    digest: str
    deviation: Deviation
    calibration_images: int


def convert_bundle(
    source: Path,
    target: Path,
    runtime: RuntimeSpec,
    *,
    images: Sequence[Source] = (),
    progress: Callable[[str], None] = lambda _: None,
) -> ConversionReport:
    """Write the bundle at `source` as another one at `target`, run as `runtime` says.

    Args:
        source: a bundle; it's verified first.
        target: where the variant goes.
        runtime: fp32 for both engines, bf16 for OpenVINO, int8 (of a fp32 bundle) for both.
        images: like those of later use. Every second one sets the ranges of int8, which needs at least 20; the
            variant is compared with the original on the others. Without any, on the self-test's synthetic ones.
        progress: hears what is being done.

    Raises:
        BundleError: `source` isn't whole, or can't be converted so.
        InputError: int8 without enough readable images.
        MissingExtraError: the engine, or onnx for int8, isn't installed.
    """
    _check(source, target, runtime)
    progress("verifying the original")
    with Predictor(source) as original:
        present = original.manifest.runtime.precision
        if present not in ("fp32", runtime.precision):
            raise BundleError(f"{source} is {present} already; convert the fp32 bundle that it was made from.")
        progress("reading images")
        framed = _readable(images, original)
        calibration, comparison = framed[::2], framed[1::2]
        graph: bytes | Path = source / GRAPH
        if runtime.precision == "int8" and present != "int8":
            if len(framed) < _FEWEST_IMAGES:
                raise InputError(
                    f"int8 needs at least {_FEWEST_IMAGES} images to set its ranges, and {len(framed)} could be read; "
                    "give a folder of images like those of later use (--calibration)."
                )
            progress(f"calibrating on {len(calibration)} images")
            graph = quantise_graph(source / GRAPH, calibration, original.metadata_width)
        else:
            calibration, comparison = [], framed
        comparison = comparison or list(draw_cases(original.manifest.input.height, original.manifest.input.width))
        progress(f"comparing on {len(comparison)} images")
        manifest = original.manifest.model_copy(update={"runtime": runtime})
        files = _files(source, original.digest, runtime)
        with tempfile.TemporaryDirectory() as folder:
            draft = Path(folder) / "draft"
            write_bundle(draft, manifest, graph)
            with Predictor(draft, threads=original.threads) as variant:
                deviation = compare(original, variant, comparison)
        manifest = _described(manifest, original.digest, deviation, len(calibration))
        digest = write_bundle(target, manifest, graph, files=files)
    return ConversionReport(digest, deviation, len(calibration))


def _check(source: Path, target: Path, runtime: RuntimeSpec) -> None:
    if source.resolve() == target.resolve():
        raise InputError(f"{target}: a bundle can't be converted into its own place; name another one (--out).")
    if runtime.engine == "onnxruntime" and runtime.precision == "bf16":
        raise InputError("ONNX Runtime doesn't compute in bf16 on a CPU; use --to openvino for it.")


def _readable(images: Sequence[Source], predictor: Predictor) -> list[NDArray[np.uint8]]:
    """Framed pixels of at most 2 * MOST_IMAGES of the images, evenly chosen; unreadable ones are left out."""
    step = max(1, len(images) / (2 * MOST_IMAGES))
    chosen = [images[int(i * step)] for i in range(min(len(images), 2 * MOST_IMAGES))]
    framed = []
    for image in chosen:
        try:
            pixels = decode_source(image, predictor.limits, predictor.manifest.input).pixels
        except UnreadableImageError:
            continue
        framed.append(framed_input(pixels, predictor.manifest.input))
    return framed


def _files(source: Path, digest: str, runtime: RuntimeSpec) -> dict[str, bytes]:
    """What goes along: figures keep the name of what they were measured on, and the card says so."""
    files = further_files(source)
    if METRICS in files:
        files[f"original-{METRICS}"] = files.pop(METRICS)
    if CARD in files:
        note = (
            f"> **Converted to {runtime.engine}, {runtime.precision}**, from bundle `{digest}`. The figures below were "
            "measured on that one; how far this one is from it stands in `bundle.json`. Evaluate it before use.\n\n"
        )
        files[CARD] = note.encode() + files[CARD]
    return files


def _described(manifest: BundleManifest, digest: str, deviation: Deviation, calibration: int) -> BundleManifest:
    conversion = Conversion(
        digest=digest,
        calibration_images=calibration,
        compared_images=deviation.images,
        deviations={name: float(f"{value:.3g}") for name, value in deviation.outputs.items()},
        same_diagnosis=deviation.same_diagnosis,
        same_verdict=deviation.same_verdict,
    )
    points = tuple(
        point.model_copy(update={"measured_on": f"{point.measured_on}, before conversion"})
        for point in manifest.operating_points
    )
    return manifest.model_copy(update={"converted_from": conversion, "operating_points": points})
