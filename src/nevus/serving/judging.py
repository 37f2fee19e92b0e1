"""Images, from bytes to the answers and the rows that are stored: the work of one thread."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np

from nevus.bundle import Failure, Metadata, Prediction
from nevus.bundle.verdict import default_operating_point
from nevus.imaging import DecodedImage, UnreadableImageError, decode_image
from nevus.serving.errors import ProblemError
from nevus.serving.lineup import LoadedModel
from nevus.serving.picture import kept_picture
from nevus.store.blobs import BlobStore
from nevus.store.columns import now
from nevus.store.ids import new_id


@dataclass(frozen=True)
class Subject:
    """Whom and what a request is about; the keys are pseudonyms already."""

    metadata: Metadata
    patient_hash: str | None = None
    lesion_hash: str | None = None


@dataclass(frozen=True)
class Judged:
    """An image's answer, and its row for the table of predictions."""

    prediction: Prediction
    row: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Task:
    """An image to judge, and what its row says of the request."""

    model: LoadedModel
    data: bytes
    subject: Subject
    request_id: str
    key_id: str | None
    arm: str


def judge_together(tasks: Sequence[Task], blobs: BlobStore | None) -> list[Judged | Exception]:
    """Judge images by one model and put their pictures aside; what goes wrong with one is its result alone.

    A `ProblemError` where an image can't be read, a `BlobsError` where its picture can't be kept.
    """
    sources, decoding = zip(*(_source(task) for task in tasks), strict=True)
    try:
        found: list[Any] = tasks[0].model.predictor.answer_together(sources, [task.subject.metadata for task in tasks])
    except Exception as error:
        if len(tasks) == 1:
            return [error]
        return [result for task in tasks for result in judge_together([task], blobs)]
    for one, ms in zip(found, decoding, strict=True):
        if isinstance(one, Prediction):
            one.latency["decode"] += ms
    hashes = [hashlib.sha256(task.data).hexdigest() for task in tasks]
    return [_kept(*one, blobs) for one in zip(tasks, sources, found, hashes, strict=True)]


def _source(task: Task) -> tuple[bytes | DecodedImage, float]:
    """What the predictor is given: a JPEG as it is, to be decoded as far as needed; others decoded once for all.

    With the milliseconds that it took.
    """
    started = perf_counter()
    if task.data[:3] == b"\xff\xd8\xff":
        return task.data, 0.0
    try:
        decoded = decode_image(task.data, limits=task.model.predictor.limits)
    except UnreadableImageError:
        return task.data, 0.0  # the predictor says why
    return decoded, (perf_counter() - started) * 1e3


def _kept(
    task: Task, source: bytes | DecodedImage, found: Prediction | Failure, image_hash: str, blobs: BlobStore | None
) -> Judged | Exception:
    if isinstance(found, Failure):
        return ProblemError(422, found.error, field="image", reason=found.reason)
    started = perf_counter()
    pictured: dict[str, Any] = {"image_hash": image_hash, "image_key": None, "image_type": "", "orientation": 1}
    try:
        if blobs is not None:
            decoded = source if isinstance(source, DecodedImage) else None
            picture = kept_picture(task.data, task.model.predictor.limits, decoded)
            key = picture.key(image_hash)
            blobs.put(key, picture.data)
            pictured |= {"image_key": key, "image_type": picture.media_type, "orientation": picture.orientation}
    except Exception as error:
        return error
    found.latency["keep"] = (perf_counter() - started) * 1e3
    found.latency["total"] = math.fsum(found.latency.values())
    row = prediction_row(task.model, found, task.subject, request_id=task.request_id, key_id=task.key_id, arm=task.arm)
    return Judged(found, row | pictured)


def shadow_row(model: LoadedModel, data: bytes, subject: Subject, answered: dict[str, Any]) -> dict[str, Any] | None:
    """The row of a second model's answer on the image of `answered`; None where it can't give one."""
    found = model.predictor.answer(data, subject.metadata)
    if isinstance(found, Failure):
        return None
    row = prediction_row(
        model, found, subject, request_id=answered["request_id"], key_id=answered["key_id"], arm="shadow"
    )
    shared = ("image_hash", "image_key", "image_type", "orientation")
    return row | {name: answered[name] for name in shared} | {"shadow_of": answered["prediction_id"]}


def prediction_row(
    model: LoadedModel, found: Prediction, subject: Subject, *, request_id: str, key_id: str | None, arm: str
) -> dict[str, Any]:
    """What is stored of an answer, except for its picture."""
    point = default_operating_point(model.predictor.manifest)
    usable = found.verdict != "unusable"
    evidence = None if found.evidence is None else np.asarray(found.evidence, "<f2")
    return {
        "prediction_id": new_id(),
        "request_id": request_id,
        "created_at": now(),
        "model": model.name,
        "version": model.version,
        "bundle_digest": model.digest,
        "arm": arm,
        "shadow_of": None,
        "key_id": key_id,
        "patient_hash": subject.patient_hash,
        "lesion_hash": subject.lesion_hash,
        "width": found.width,
        "height": found.height,
        "age": subject.metadata.age,
        "sex": subject.metadata.sex,
        "site": subject.metadata.site,
        "diagnosis": found.diagnosis if usable else None,
        "probabilities": _rounded(found.probabilities) if usable else None,
        "logits": _rounded(found.logits) if usable else None,
        "p_malignant": _six(found.p_malignant) if usable else None,
        "operating_point": point.name if point else None,
        "threshold": point.threshold if point else None,
        "verdict": found.verdict,
        "reasons": list(found.reasons),
        "quality": _rounded(found.quality.as_dict()),
        "image_statistics": _rounded(found.colours),
        "ood_score": _six(found.ood_score) if usable else None,
        "prediction_set": list(found.prediction_set) if usable else [],
        "notes": list(found.notes),
        "embedding": None if found.embedding is None else np.asarray(found.embedding, "<f2").tobytes(),
        "evidence": None if evidence is None else evidence.tobytes(),
        "evidence_height": None if evidence is None else evidence.shape[0],
        "latency": {stage: round(ms, 3) for stage, ms in found.latency.items()},
    }


def _six(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.6g}")


def _rounded(values: dict[str, float] | None) -> dict[str, float] | None:
    return None if values is None else {name: float(f"{value:.6g}") for name, value in values.items()}
