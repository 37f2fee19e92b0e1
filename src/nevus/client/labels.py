"""Saying what images show, and giving images for the next training."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from nevus.api import BulkLabels, LabelAnswer, Labels, SampleBatches, SamplesAnswer
from nevus.client.calling import Caller, said
from nevus.client.pictures import BatchImage, Image, image_bytes, image_name, media_type

_PATH = "/v1/labels"


class LabelCalls(Caller):
    """The routes about labels and samples."""

    def label(
        self,
        diagnosis: str,
        *,
        prediction_id: str | None = None,
        image_hash: str | None = None,
        confirmed_by: str | None = None,
        confirmed_on: date | None = None,
        note: str | None = None,
        replaces: str | None = None,
    ) -> LabelAnswer:
        """Say what an image shows. Who says so is the owner of the key.

        Args:
            diagnosis: its code.
            prediction_id: of the prediction whose image it is; or `image_hash`.
            image_hash: SHA-256 of the image as it was sent.
            confirmed_by: histology, follow_up, consensus or confocal.
            confirmed_on: the day.
            note: anything else.
            replaces: id of the label that this one corrects.

        Raises:
            ClientError: 404 for an unknown prediction; 409 where an equally confirmed label says otherwise.
        """
        said_of_it = {
            "diagnosis": diagnosis,
            "prediction_id": prediction_id,
            "image_hash": image_hash,
            "confirmed_by": confirmed_by,
            "confirmed_on": confirmed_on,
            "note": note,
            "replaces": replaces,
        }
        return self._answer(LabelAnswer, "POST", _PATH, json=said(said_of_it))

    def label_bulk(self, table: Image) -> BulkLabels:
        """Add the labels of a CSV table (bytes or a path), whose columns are the arguments of `label`."""
        return self._answer(
            BulkLabels, "POST", f"{_PATH}/bulk", content=image_bytes(table), headers={"Content-Type": "text/csv"}
        )

    def labels(self, *, image_hash: str | None = None, prediction_id: str | None = None) -> Labels:
        """All that was ever said of an image, the newest first."""
        return self._answer(Labels, "GET", _PATH, params={"image_hash": image_hash, "prediction_id": prediction_id})

    def samples(self, images: Iterable[BatchImage | Image], table: Image) -> SamplesAnswer:
        """Give labelled images for the next training.

        Args:
            images: the files; of a `BatchImage`, only name and image count.
            table: CSV (bytes or a path) with the columns file and diagnosis, and what else is known.
        """
        files = []
        for number, one in enumerate(images):
            item = one if isinstance(one, BatchImage) else BatchImage(image_name(one, number), one)
            data = image_bytes(item.image)
            files.append(("images", (item.name, data, media_type(data))))
        files.append(("table", ("samples.csv", image_bytes(table), "text/csv")))
        return self._answer(SamplesAnswer, "POST", "/v1/samples", files=files)

    def samples_archive(self, archive: Image) -> SamplesAnswer:
        """The same from one zip (bytes or a path) of pictures with one CSV table in it."""
        part = ("samples.zip", image_bytes(archive), "application/zip")
        return self._answer(SamplesAnswer, "POST", "/v1/samples", files=[("archive", part)])

    def sample_batches(self, *, limit: int = 50, before: str | None = None) -> SampleBatches:
        """The uploads so far, the newest first. before: id of a batch; only those made before it."""
        return self._answer(SampleBatches, "GET", "/v1/samples/batches", params={"limit": limit, "before": before})
