"""From the graph's outputs on one image to a prediction."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from nevus.bundle.errors import InferenceError
from nevus.bundle.metadata import Metadata
from nevus.bundle.prediction import Prediction
from nevus.bundle.schema import BundleManifest
from nevus.bundle.verdict import default_operating_point, judge
from nevus.imaging.decode import DecodedImage
from nevus.imaging.quality import Quality, quality_reasons


def compose_prediction(
    manifest: BundleManifest,
    image: DecodedImage,
    quality: Quality,
    outputs: Mapping[str, NDArray[np.float32]],
    *,
    path: str | None = None,
    metadata: Metadata | None = None,
    latency: dict[str, float] | None = None,
    colours: dict[str, float] | None = None,
) -> Prediction:
    """Judge an image and put together what is known of it.

    Args:
        manifest: the bundle's.
        image: as decoded; its original size counts for the quality.
        quality: of the framed input.
        outputs: output -> values without the batch axis; empty where the graph wasn't run, which only an image that
            its quality makes unusable may have.
        path: where it came from.
        metadata: what was known of the patient.
        latency: stage -> milliseconds.
        colours: of the framed input, from `mean_colours`.

    Raises:
        InferenceError: probabilities that aren't finite.
    """
    refused = quality_reasons(quality, image.width, image.height, manifest.refusal.quality)
    probabilities = logits = None
    p_malignant = ood_score = None
    if "probabilities" in outputs:
        probabilities = dict(zip(manifest.classes, outputs["probabilities"].tolist(), strict=True))
        p_malignant = math.fsum(probabilities[c] for c in manifest.malignant if c in probabilities)
        p_malignant = min(1.0, p_malignant)
        if not math.isfinite(math.fsum(probabilities.values())):
            raise InferenceError(f"{path or 'an image'}: the model gave probabilities that are not finite.")
    if "logits" in outputs:
        logits = dict(zip(manifest.classes, outputs["logits"].tolist(), strict=True))
    if "ood_score" in outputs:
        ood_score = float(outputs["ood_score"])
    judgement = judge(
        manifest,
        p_malignant=p_malignant,
        ood_score=ood_score,
        quality=refused,
        metadata_known=metadata is not None and metadata.known,
    )
    point = default_operating_point(manifest)
    return Prediction(
        path=path,
        verdict=judgement.verdict,
        reasons=judgement.reasons,
        width=image.width,
        height=image.height,
        quality=quality,
        diagnosis=max(probabilities, key=probabilities.__getitem__) if probabilities else None,
        probabilities=probabilities,
        logits=logits,
        p_malignant=p_malignant,
        ood_score=ood_score,
        operating_point=point.name if point else None,
        prediction_set=_prediction_set(manifest, probabilities),
        evidence=outputs.get("evidence"),
        embedding=outputs.get("embedding"),
        notes=image.notes,
        latency=latency or {},
        colours=colours or {},
    )


def _prediction_set(manifest: BundleManifest, probabilities: Mapping[str, float] | None) -> tuple[str, ...]:
    if manifest.prediction_set is None or probabilities is None:
        return ()
    return tuple(c for c, p in probabilities.items() if p >= manifest.prediction_set.threshold)
