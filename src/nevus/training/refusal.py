"""The novelty score of a training job, fitted on its training images and on the backbone's first weights."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nevus.data.prepare import PreparedImages
from nevus.imaging import frame
from nevus.training.novelty.branch import NoveltyBranch
from nevus.training.novelty.fit import fit_novelty
from nevus.training.novelty.score import NoveltyScore
from nevus.training.novelty.settings import NoveltySettings
from nevus.training.settings import ModelSettings
from nevus.training.worker import TrainingJob, build_network


class _FramedTraining:
    """The training images as the graph gets them."""

    def __init__(self, images: PreparedImages, image_ids: list[str], model: ModelSettings) -> None:
        self._images, self._ids, self._model = images, image_ids, model

    def __len__(self) -> int:
        return len(self._ids)

    def __getitem__(self, index: int, /) -> NDArray[np.uint8]:
        pixels = self._images.pixels_of(self._ids[index])
        return frame(pixels, self._model.height, self._model.width, self._model.rule)


def fit_refusal(
    job: TrainingJob, settings: NoveltySettings, progress: Callable[[int, int], None] = lambda _done, _total: None
) -> NoveltyScore:
    """Fit the score that refuses pictures other than dermoscopy; same job and settings, same score.

    Raises:
        BranchError: the backbone gives no intermediate feature maps.
    """
    network = build_network(job)
    mean, std = (network.get_buffer(name).flatten().tolist() for name in ("mean", "std"))
    branch = NoveltyBranch(network.backbone, mean, std, settings.short_side)
    table = pl.read_parquet(job.manifest, columns=["image_id", "split"])
    learning = table.filter(pl.col("split") == "train")["image_id"].to_list()
    pictures = _FramedTraining(PreparedImages.open(job.prepared, job.cache), learning, job.model)
    return NoveltyScore(branch, fit_novelty(branch, pictures, settings, progress))
