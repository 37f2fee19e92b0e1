"""How far one bundle's answers are from another's on the same images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nevus.bundle.prediction import Prediction
from nevus.bundle.predictor import Predictor
from nevus.bundle.selftest import deviation


@dataclass(frozen=True)
class Deviation:
    """Largest deviation by output (probabilities absolute, the rest relative to the largest value), and agreement."""

    images: int
    outputs: dict[str, float]
    same_diagnosis: float
    same_verdict: float


def compare(original: Predictor, variant: Predictor, images: Sequence[NDArray[np.uint8]]) -> Deviation:
    """Run both on the same framed pixels uint8 [height, width, 3], and judge them by their own limits."""
    batch = np.stack(images)
    first, second = original.run_arrays(batch), variant.run_arrays(batch)
    common = [name for name in original.manifest.outputs if name in variant.manifest.outputs]
    verdicts = [_verdicts(predictor, images) for predictor in (original, variant)]
    classes = [outputs["probabilities"].argmax(1) for outputs in (first, second)]
    return Deviation(
        images=len(images),
        outputs={name: deviation(name, second[name], first[name]) for name in common},
        same_diagnosis=float((classes[0] == classes[1]).mean()),
        same_verdict=sum(a == b for a, b in zip(*verdicts, strict=True)) / len(images),
    )


def _verdicts(predictor: Predictor, images: Sequence[NDArray[np.uint8]]) -> list[str]:
    answers = predictor.predict(images)
    return [answer.verdict for answer in answers if isinstance(answer, Prediction)]
