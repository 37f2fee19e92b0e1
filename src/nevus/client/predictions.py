"""Asking for predictions, and reading them back."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import TypedDict, Unpack, overload

from nevus.api import BatchAnswer, LesionAnswers, PredictionAnswer, PredictionPage, SimilarCases, Worklist
from nevus.client.calling import Caller, said
from nevus.client.pictures import BatchImage, Image, StoredImage, image_bytes, image_name, media_type

_PATH = "/v1/predictions"


class Known(TypedDict, total=False):
    """What may be said beside an image.

    Attributes:
        age: years.
        sex: `female` or `male`.
        site: where on the body.
        patient: your key of the patient; the service keeps a keyed hash of it.
        lesion: your key of the lesion; likewise.
        model: a loaded version instead of the one that usually answers.
        explain: with the evidence map.
        idempotency_key: sent again under the same key, the request gets the same answer and is stored once.
    """

    age: float | None
    sex: str | None
    site: str | None
    patient: str | None
    lesion: str | None
    model: str | None
    explain: bool
    idempotency_key: str | None


class PredictionCalls(Caller):
    """The routes about predictions."""

    @overload
    def predict(self, image: Image, **said_of_it: Unpack[Known]) -> PredictionAnswer: ...

    @overload
    def predict(self, image: Sequence[Image], **said_of_it: Unpack[Known]) -> PredictionAnswer | LesionAnswers: ...

    def predict(self, image: Image | Sequence[Image], **said_of_it: Unpack[Known]) -> PredictionAnswer | LesionAnswers:
        """Judge an image (bytes or a path), or several of one lesion.

        Several get one answer on the lesion besides each image's own. What may be said beside them stands in `Known`.

        Raises:
            ClientError: the service refuses, such as 422 for an image that can't be read.
        """
        images = [image] if isinstance(image, bytes | str | os.PathLike) else list(image)
        headers = {"Idempotency-Key": said_of_it.pop("idempotency_key", None) or ""}
        asked = said({**said_of_it, "explain": said_of_it.get("explain") or None})
        # Keys of patients and lesions stay out of addresses, which proxies log.
        if len(images) == 1 and not {"patient", "lesion"} & set(asked):
            data = image_bytes(images[0])
            headers["Content-Type"] = media_type(data)
            return self._answer(PredictionAnswer, "POST", _PATH, params=asked, content=data, headers=headers)
        files = [_part("image", image_name(one, number), image_bytes(one)) for number, one in enumerate(images)]
        if len(images) == 1:
            return self._answer(PredictionAnswer, "POST", _PATH, data=asked, files=files, headers=headers)
        return self._answer(LesionAnswers, "POST", _PATH, data=asked, files=files, headers=headers)

    def predict_batch(
        self, images: Iterable[BatchImage | Image], *, model: str | None = None, idempotency_key: str | None = None
    ) -> BatchAnswer:
        """Judge many images of different lesions. Each has its own answer or its own error, in the order given.

        Args:
            images: files, with what is known of them.
            model: a loaded version instead of the one that usually answers.
            idempotency_key: sent again under the same key, the request gets the same answer and is stored once.
        """
        items = [
            one if isinstance(one, BatchImage) else BatchImage(image_name(one, number), one)
            for number, one in enumerate(images)
        ]
        files = [_part("images", item.name, image_bytes(item.image)) for item in items]
        known = [
            {name: value for name, value in asdict(item).items() if name != "image" and value is not None}
            for item in items
        ]
        return self._answer(
            BatchAnswer,
            "POST",
            f"{_PATH}/batch",
            params={"model": model},
            data={"metadata": json.dumps(known)},
            files=files,
            headers={"Idempotency-Key": idempotency_key or ""},
        )

    def prediction(self, prediction_id: str, *, explain: bool = False) -> PredictionAnswer:
        """A prediction as it was answered, with the label that counts for its image."""
        return self._answer(PredictionAnswer, "GET", f"{_PATH}/{prediction_id}", params={"explain": explain or None})

    def predictions(
        self,
        *,
        ids: Sequence[str] | None = None,
        request_id: str | None = None,
        day: date | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        model: str | None = None,
        version: int | None = None,
        bundle_digest: str | None = None,
        verdict: str | Sequence[str] | None = None,
        p_malignant_min: float | None = None,
        p_malignant_max: float | None = None,
        labelled: bool | None = None,
        arm: str | None = None,
        patient: str | None = None,
        lesion: str | None = None,
        page: int = 50,
    ) -> Iterator[PredictionAnswer]:
        """The stored predictions that fit, page by page as they're consumed.

        Args:
            ids: only these.
            request_id: of one request.
            day: of this day, in UTC.
            start: from here on.
            end: before this.
            model: name of the model.
            version: its number.
            bundle_digest: of the bundle that answered.
            verdict: one or several.
            p_malignant_min: 0..1.
            p_malignant_max: 0..1.
            labelled: whether there is a label for the image.
            arm: champion, challenger, pinned or shadow.
            patient: your key of the patient.
            lesion: your key of the lesion.
            page: predictions a request, at most 500.
        """
        filters = {
            "id": None if ids is None else list(ids),
            "request_id": request_id,
            "day": day,
            "from": start,
            "to": end,
            "model": model,
            "version": version,
            "bundle_digest": bundle_digest,
            "verdict": verdict if verdict is None or isinstance(verdict, str) else list(verdict),
            "p_malignant_min": p_malignant_min,
            "p_malignant_max": p_malignant_max,
            "labelled": labelled,
            "arm": arm,
            "patient": patient,
            "lesion": lesion,
            "limit": page,
        }
        cursor: str | None = None
        while True:
            found = self._answer(PredictionPage, "GET", _PATH, params={**filters, "cursor": cursor})
            yield from found.predictions
            cursor = found.next
            if cursor is None:
                return

    def image(self, prediction_id: str) -> StoredImage:
        """The picture that was judged, without its metadata."""
        response = self._send("GET", f"{_PATH}/{prediction_id}/image")
        orientation = response.headers.get("x-orientation", "1")
        return StoredImage(response.content, response.headers["content-type"], int(orientation))

    def evidence(self, prediction_id: str, *, opacity: float = 0.45) -> bytes:
        """PNG of what the model saw, with the evidence for malignancy laid over it. opacity: 0..1."""
        return self._send("GET", f"{_PATH}/{prediction_id}/evidence", params={"opacity": opacity}).content

    def similar(self, prediction_id: str, *, limit: int = 5) -> SimilarCases:
        """Earlier predictions on other images that look alike to the model."""
        return self._answer(SimilarCases, "GET", f"{_PATH}/{prediction_id}/similar", params={"limit": limit})

    def worklist(self, *, limit: int = 20, cursor: str | None = None) -> Worklist:
        """Predictions without a label, in the order in which a label helps most."""
        return self._answer(Worklist, "GET", "/v1/worklist", params={"limit": limit, "cursor": cursor})


def _part(field: str, name: str, data: bytes) -> tuple[str, tuple[str, bytes, str]]:
    return field, (name, data, media_type(data))
