"""Near-duplicates: images of one lesion, or copies of one photograph, that pass for different lesions."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nevus.data.duplicates.candidates import Candidate, all_pairs, by_embedding, by_structure
from nevus.data.duplicates.collection import Collection, Reader, collect_keypoints
from nevus.data.duplicates.confirmation import WORTH_COMPARING, Confirmation, best_alignment, confirm
from nevus.data.duplicates.keypoints import one_opencv_thread, to_working_size
from nevus.data.duplicates.pairs import PAIR_SCHEMA, pair_table
from nevus.data.duplicates.settings import NearDuplicateSettings
from nevus.data.parallel import usable_cpus
from nevus.errors import InputError

Progress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is, and of how much; from the calling thread."""

_FEW_PAIRS = 5000
"""So many pairs are examined one and all rather than chosen."""


class NearDuplicateError(InputError):
    """The search can't be made as asked."""


def find_near(
    table: pl.DataFrame,
    reader: Reader,
    settings: NearDuplicateSettings,
    *,
    embeddings: NDArray[np.float32] | None = None,
    progress: Progress | None = None,
) -> pl.DataFrame:
    """Pairs of images in different groups that show the same lesion.

    Candidates are the pairs that share most local structure (keypoints as words of a vocabulary learned from the
    collection itself) and, where embeddings are given, each image's nearest ones. A candidate is confirmed when
    matched keypoints agree on one turn, scale and shift, and the images laid over one another show the same structure.
    Pairs within a group aren't sought, as they're together already.

    Args:
        table: rows with `dataset, image_id, group_id`.
        reader: gives the pixels of a row, by its number in `table`; called from several threads.
        settings: how far the search goes and from which probability on a pair is confirmed.
        embeddings: float32 [N, D] in the order of the table, from any `Embedder`.
        progress: told how far the search is.

    Returns:
        A table of pairs of kind `near`; the same on every run, whatever the number of workers.

    Raises:
        NearDuplicateError: the collection is larger than `settings.max_images`, or the embeddings don't fit the table.
    """
    _check(table, settings, embeddings)
    rows = table.with_row_index("row").sort("dataset", "image_id")
    order = rows["row"].to_numpy()
    group = rows["group_id"].rank("dense").to_numpy().astype(np.int64)
    tell = progress or _silent
    workers = settings.workers or usable_cpus()
    images = len(rows)
    if images < 2 or len(np.unique(group)) < 2:
        return pair_table([])
    with tempfile.TemporaryDirectory(prefix="nevus-duplicates-") as scratch, one_opencv_thread():
        collection = Collection(images, settings.keypoints, Path(scratch))

        def read(i: int) -> NDArray[np.uint8]:
            return to_working_size(reader(int(order[i])), settings.short_side)

        collect_keypoints(read, collection, workers=workers, done=lambda n: tell("keypoints", n, images))
        tell("candidates", 0, 1)
        candidates = _candidates(collection, group, settings, None if embeddings is None else embeddings[order])
        tell("candidates", 1, 1)
        confirmed = _examine(candidates, collection, read, least=settings.min_probability, workers=workers, tell=tell)
    return pair_table(_row(rows, candidate, found) for candidate, found in confirmed)


def _silent(stage: str, done: int, total: int) -> None:
    """Nobody asked."""


def _check(table: pl.DataFrame, settings: NearDuplicateSettings, embeddings: NDArray[np.float32] | None) -> None:
    missing = [c for c in ("dataset", "image_id", "group_id") if c not in table.columns]
    if missing:
        raise NearDuplicateError(f"the search for duplicates needs the column {', '.join(missing)} in the table.")
    if table.height > settings.max_images:
        raise NearDuplicateError(
            f"{table.height} images are more than the search for near-duplicates takes on "
            f"(max_images {settings.max_images}). Raise max_images, or switch the search off with near: false; exact "
            "duplicates are found all the same."
        )
    if embeddings is not None and (embeddings.ndim != 2 or len(embeddings) != table.height):
        raise NearDuplicateError(f"embeddings of shape {embeddings.shape} don't fit a table of {table.height} rows.")


def _candidates(
    collection: Collection,
    group: NDArray[np.int64],
    settings: NearDuplicateSettings,
    embeddings: NDArray[np.float32] | None,
) -> list[Candidate]:
    images = len(collection)
    if images * (images - 1) // 2 <= _FEW_PAIRS:
        return all_pairs(group, mirrored=settings.mirrored)
    count = max(_FEW_PAIRS, round(settings.candidates_per_image * images))
    found = by_structure(collection, group, count=count, mirrored=settings.mirrored, seed=settings.seed)
    if embeddings is None or not settings.embedding_neighbours:
        return found
    known = {(c.a, c.b) for c in found}
    more = by_embedding(embeddings, group, neighbours=settings.embedding_neighbours, mirrored=settings.mirrored)
    return found + [c for c in more if (c.a, c.b) not in known]


def _examine(
    candidates: Sequence[Candidate],
    collection: Collection,
    read: Reader,
    *,
    least: float,
    workers: int,
    tell: Progress,
) -> list[tuple[Candidate, Confirmation]]:
    def judge(candidate: Candidate) -> Confirmation | None:
        alignment = best_alignment(collection[candidate.a], collection[candidate.b], candidate.mirrored)
        if alignment is None or alignment.independent < WORTH_COMPARING:
            return None
        return confirm(alignment, read(candidate.a), read(candidate.b))

    confirmed = []
    with ThreadPoolExecutor(workers) as pool:
        for done, (candidate, found) in enumerate(zip(candidates, pool.map(judge, candidates), strict=True), start=1):
            tell("geometry", done, len(candidates))
            if found is not None and found.probability >= least:
                confirmed.append((candidate, found))
    return confirmed


def _row(rows: pl.DataFrame, candidate: Candidate, found: Confirmation) -> dict[str, Any]:
    ids = rows.select("dataset", "image_id")
    (dataset_a, image_a), (dataset_b, image_b) = ids.row(candidate.a), ids.row(candidate.b)
    values = {
        "dataset_a": dataset_a,
        "image_a": image_a,
        "dataset_b": dataset_b,
        "image_b": image_b,
        "kind": "near",
        "score": found.probability,
        "inliers": len(found.alignment.inliers),
        "independent": found.alignment.independent,
        "correlation": found.agreement.correlation,
        "overlap": found.agreement.overlap,
        "scale": found.alignment.scale,
        "rotation": found.alignment.rotation,
        "mirrored": found.alignment.mirrored,
        "transform": found.alignment.matrix.reshape(-1).tolist(),
    }
    assert values.keys() == PAIR_SCHEMA.keys()  # noqa: S101
    return values
