"""The predictor: a bundle's directory, ready to judge images. The one way to run a model, everywhere."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from time import perf_counter
from typing import Self

import numpy as np
from numpy.typing import NDArray

from nevus.bundle.answer import compose_prediction
from nevus.bundle.directory import GRAPH, bundle_digest, read_bundle_manifest, require_bundle, verify_checksums
from nevus.bundle.errors import BundleError
from nevus.bundle.graph_contract import check_graph
from nevus.bundle.metadata import Metadata, encode, width
from nevus.bundle.prediction import Failure, Prediction
from nevus.bundle.runtimes import Outputs, load_runtime
from nevus.bundle.schema import BundleManifest
from nevus.bundle.selftest import require_selftest
from nevus.bundle.source import Source, decode_source, framed_input
from nevus.bundle.usable_cpus import usable_cpus
from nevus.imaging.decode import DecodedImage, DecodeLimits, UnreadableImageError
from nevus.imaging.overlay import overlay_evidence
from nevus.imaging.quality import Quality, mean_colours, measure_quality, quality_reasons
from nevus.imaging.resize import frame

_LARGEST_OVERLAY = 1024
_WAITING_PER_THREAD = 4


@dataclass(frozen=True, slots=True)
class _Seen:
    """A decoded image. ms: what it took."""

    image: DecodedImage
    ms: float


@dataclass(frozen=True, slots=True)
class _Framed:
    """What the graph takes of an image, and what was measured on it."""

    seen: _Seen
    pixels: NDArray[np.uint8]
    quality: Quality
    colours: dict[str, float]
    refused: bool
    ms: float


class Predictor:
    """Runs a bundle.

    Each image is computed in one thread, and several images at once; on a CPU that is faster than batches. A
    predictor may be called from several threads, and is a context manager that ends its own.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        threads: int | None = None,
        verify: bool = True,
        limits: DecodeLimits | None = None,
    ) -> None:
        """Load a bundle.

        Args:
            path: the bundle's directory.
            threads: images computed at once; None for the processors that this process may use.
            verify: check the checksums and run the self-test first. Without it nothing proves that this runtime gives
                what was evaluated.
            limits: what is refused before decoding.

        Raises:
            BundleError: it isn't a whole bundle of a known format.
            SelfTestError: this runtime doesn't reproduce the bundle's recorded outputs.
            MissingExtraError: its engine isn't installed.
        """
        self.path = Path(path)
        require_bundle(self.path)
        self.manifest: BundleManifest = read_bundle_manifest(self.path)
        self.digest: str = verify_checksums(self.path) if verify else bundle_digest(self.path)
        self.threads = threads or usable_cpus()
        self.limits = limits or DecodeLimits()
        self._runtime = load_runtime(self.path / GRAPH, self.manifest.runtime, threads=self.threads)
        check_graph(self._runtime, self.manifest, self.path / GRAPH)
        if verify:
            require_selftest(self._runtime, self.path)
        self._pool = ThreadPoolExecutor(self.threads, "nevus") if self.threads > 1 else None

    def predict(
        self,
        images: Iterable[Source],
        metadata: Metadata | Sequence[Metadata | None] | None = None,
        *,
        raw: bool = False,
    ) -> list[Prediction | Failure]:
        """Judge images, in their order; one that can't be read gives a `Failure` and doesn't stop the others.

        Args:
            images: paths, bytes or arrays.
            metadata: one for all, or one for each image.
            raw: run the model on unusable images too, so that they carry probabilities.
        """
        return list(self.predict_each(images, metadata, raw=raw))

    def predict_each(
        self,
        images: Iterable[Source],
        metadata: Metadata | Iterable[Metadata | None] | None = None,
        *,
        raw: bool = False,
    ) -> Iterator[Prediction | Failure]:
        """As `predict`, but one by one as they are ready, with only a few images in memory at a time."""
        if metadata is None or isinstance(metadata, Metadata):
            jobs = zip(images, repeat(metadata), strict=False)
        else:
            jobs = zip(images, metadata, strict=True)
        if self._pool is None:
            for image, known in jobs:
                yield self._answer(image, known, raw)
            return
        waiting: deque[Future[Prediction | Failure]] = deque()
        try:
            for image, known in jobs:
                waiting.append(self._pool.submit(self._answer, image, known, raw))
                if len(waiting) > _WAITING_PER_THREAD * self.threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()

    def answer(self, image: Source, metadata: Metadata | None = None, *, raw: bool = False) -> Prediction | Failure:
        """Judge one image in the caller's own thread; as `predict` does."""
        return self._answer(image, metadata, raw)

    def answer_together(
        self, images: Sequence[Source], metadata: Sequence[Metadata | None], *, raw: bool = False
    ) -> list[Prediction | Failure]:
        """Judge a few images in the caller's own thread, stage by stage; as `answer` does each.

        The graph still runs on one image at a time. But what a stage needs (code, tables, weights) stays in the
        processor's caches from one image to the next, where each graph's run would drive it out.

        Raises:
            InferenceError: the graph can't be run on one of them.
        """
        seen = [self._seen(image) for image in images]
        framed = [one if isinstance(one, Failure) else self._framed(one) for one in seen]
        return [
            pixels if isinstance(pixels, Failure) else self._judged(image, pixels, known, raw)
            for image, pixels, known in zip(images, framed, metadata, strict=True)
        ]

    def run_arrays(self, image: NDArray[np.uint8], metadata: NDArray[np.float32] | None = None) -> Outputs:
        """Run the graph on framed pixels uint8 [N, height, width, 3] and encoded metadata float32 [N, M].

        Returns:
            Output name -> float32 [N, ...], as in the graph; nothing is judged or refused.

        Raises:
            ValueError: the pixels or the metadata don't have the input's size and type.
        """
        size = (self.manifest.input.height, self.manifest.input.width, 3)
        if image.dtype != np.uint8 or image.ndim != 4 or image.shape[1:] != size or len(image) == 0:
            raise ValueError(f"the pixels must be uint8 [N, {size[0]}, {size[1]}, 3], not {image.dtype} {image.shape}")
        rows: Iterable[NDArray[np.float32] | None] = repeat(None)
        if metadata is not None:
            if metadata.shape != (len(image), width(self.manifest.metadata)):
                raise ValueError(f"the metadata must be [{len(image)}, {width(self.manifest.metadata)}]")
            rows = (metadata[i : i + 1] for i in range(len(image)))
        pixels = (image[i : i + 1] for i in range(len(image)))
        jobs = zip(pixels, rows, strict=False)
        if self._pool is None:
            runs = [self._run(*job) for job in jobs]
        else:
            runs = list(self._pool.map(self._run, *zip(*jobs, strict=True)))
        return {name: np.concatenate([run[name] for run in runs]) for name in runs[0]}

    def overlay(self, image: Source, prediction: Prediction, *, alpha: float = 0.45) -> NDArray[np.uint8]:
        """The part of `image` that the model saw, near the image's own resolution, with the evidence laid over it.

        Raises:
            BundleError: the prediction carries no evidence: the image is unusable, or the model gives none.
        """
        if prediction.evidence is None:
            raise BundleError("there is no evidence map: the image is unusable, or the model gives none.")
        pixels = decode_source(image, self.limits).pixels
        spec = self.manifest.input
        most = _LARGEST_OVERLAY / max(spec.height, spec.width)
        enlarged = max(1.0, min(min(pixels.shape[:2]) / min(spec.height, spec.width), most))
        seen = frame(pixels, round(spec.height * enlarged), round(spec.width * enlarged), spec.rule)
        return overlay_evidence(seen, prediction.evidence, alpha=alpha)

    @property
    def metadata_width(self) -> int | None:
        """M of the graph's input `metadata`; None where the graph has no such input."""
        return self._runtime.metadata_width

    @property
    def precision(self) -> str:
        """What the engine really computes in."""
        return self._runtime.precision

    def close(self) -> None:
        """End the threads."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _answer(self, image: Source, metadata: Metadata | None, raw: bool) -> Prediction | Failure:
        return self.answer_together([image], [metadata], raw=raw)[0]

    def _seen(self, image: Source) -> _Seen | Failure:
        start = perf_counter()
        try:
            decoded = decode_source(image, self.limits, self.manifest.input)
        except UnreadableImageError as error:
            return Failure(_path(image), str(error), error.reason)
        return _Seen(decoded, (perf_counter() - start) * 1e3)

    def _framed(self, seen: _Seen) -> _Framed:
        start = perf_counter()
        pixels = framed_input(seen.image.pixels, self.manifest.input)
        quality = measure_quality(pixels)
        refused = quality_reasons(quality, seen.image.width, seen.image.height, self.manifest.refusal.quality)
        return _Framed(seen, pixels, quality, mean_colours(pixels), bool(refused), (perf_counter() - start) * 1e3)

    def _judged(self, image: Source, framed: _Framed, known: Metadata | None, raw: bool) -> Prediction:
        start = perf_counter()
        outputs: Outputs = {}
        if raw or not framed.refused:
            outputs = {name: value[0] for name, value in self._run(framed.pixels[None], self._encoded(known)).items()}
        latency = {"decode": framed.seen.ms, "frame": framed.ms, "infer": (perf_counter() - start) * 1e3}
        return compose_prediction(
            self.manifest,
            framed.seen.image,
            framed.quality,
            outputs,
            path=_path(image),
            metadata=known,
            latency=latency,
            colours=framed.colours,
        )

    def _run(self, image: NDArray[np.uint8], metadata: NDArray[np.float32] | None) -> Outputs:
        if metadata is None:
            metadata = self._encoded(None)
        outputs = self._runtime.run(image, metadata)
        return {name: outputs[name] for name in self.manifest.outputs}

    def _encoded(self, metadata: Metadata | None) -> NDArray[np.float32] | None:
        if self.manifest.metadata is None:
            return None
        known = metadata or Metadata()
        return encode(self.manifest.metadata, [known.age], [known.sex], [known.site])


def _path(image: Source) -> str | None:
    return str(image) if isinstance(image, str | Path) else None
