"""The picture of a prediction, and its evidence map laid over it."""

from __future__ import annotations

import io
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Query, Request
from PIL import Image
from starlette.responses import Response

from nevus.bundle import BundleManifest
from nevus.imaging import DecodeLimits, decode_image, frame, overlay_evidence
from nevus.imaging.orientation import turn_upright
from nevus.serving.auth import Principal, needs
from nevus.serving.errors import ProblemError
from nevus.serving.schemas import problems
from nevus.serving.service import Service
from nevus.store.blobs import BlobMissingError
from nevus.store.predictions import StoredPrediction, find_prediction, served_manifest

router = APIRouter(prefix="/v1/predictions", tags=["predictions"])

_LONGEST_SIDE = 1024


@router.get(
    "/{prediction_id}/image",
    summary="Look at the picture that was judged",
    response_class=Response,
    responses=problems(401, 403, 404, 422, 429, 503),
)
async def image(request: Request, prediction_id: str, principal: Annotated[Principal, needs("reader")]) -> Response:
    """The picture that was judged, without its metadata; a JPEG's EXIF orientation in the header X-Orientation."""
    del principal
    service: Service = request.app.state.service
    stored, data = await service.in_thread(_picture, service, prediction_id)
    return Response(data, media_type=stored.image_type, headers={"X-Orientation": str(stored.orientation)})


@router.get(
    "/{prediction_id}/evidence",
    summary="Look at what spoke for malignancy",
    response_class=Response,
    responses=problems(401, 403, 404, 422, 429, 503),
)
async def evidence(
    request: Request,
    prediction_id: str,
    principal: Annotated[Principal, needs("reader")],
    opacity: Annotated[float, Query(ge=0, le=1)] = 0.45,
) -> Response:
    """The part of the picture that the model saw, with the evidence for malignancy laid over it, as PNG."""
    del principal
    service: Service = request.app.state.service
    return Response(await service.in_thread(_overlay, service, prediction_id, opacity), media_type="image/png")


def _picture(service: Service, prediction_id: str) -> tuple[StoredPrediction, bytes]:
    stored = find_prediction(service.store, prediction_id)
    if stored.image_key is None or service.blobs is None:
        raise ProblemError(404, "the picture of this prediction is not kept (any more).", field="prediction_id")
    try:
        return stored, service.blobs.get(stored.image_key)
    except BlobMissingError as error:
        raise ProblemError(404, "the picture of this prediction is gone.", field="prediction_id") from error


def _overlay(service: Service, prediction_id: str, opacity: float) -> bytes:
    stored, data = _picture(service, prediction_id)
    text = served_manifest(service.store, stored.bundle_digest)
    if stored.evidence_map is None or text is None:
        raise ProblemError(
            404, "there is no evidence map: the image is unusable, or the model gives none.", field="prediction_id"
        )
    spec = BundleManifest.model_validate_json(text).input
    limits = DecodeLimits(max_pixels=service.settings.max_pixels)
    pixels = turn_upright(decode_image(data, limits=limits).pixels, stored.orientation)
    most = _LONGEST_SIDE / max(spec.height, spec.width)
    enlarged = max(1.0, min(min(pixels.shape[:2]) / min(spec.height, spec.width), most))
    seen = frame(pixels, round(spec.height * enlarged), round(spec.width * enlarged), spec.rule)
    laid = overlay_evidence(seen, np.asarray(stored.evidence_map, np.float32), alpha=opacity)
    buffer = io.BytesIO()
    Image.fromarray(laid).save(buffer, "PNG", compress_level=3)
    return buffer.getvalue()
