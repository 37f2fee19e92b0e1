"""What lies outside the output folder and decides a result: datasets, their images, the weights to start from.

Files are told apart by place, size and time of change: reading 400,000 images would take as long as checking them. The
step *check* reads their contents, and whoever reads an image later holds it to what the check has seen.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import polars as pl

from nevus.data.manifest import read_manifest
from nevus.data.reading import is_remote, split_container
from nevus.data.sources.files import join
from nevus.pipeline.artefacts import hash_file
from nevus.pipeline.settings import CheckSection, IngestSection, TrainSection
from nevus.pipeline.step import Inputs

ABSENT = "absent"


def datasets_as_they_lie(settings: IngestSection, _: Inputs) -> Mapping[str, str]:
    """Each dataset's folder, and its table and images where they lie elsewhere; what isn't local isn't watched."""
    found = {}
    for dataset in settings.data.each():
        if dataset.root is None:
            continue
        root = join(dataset.root)
        parts = [join(root, part) for part in (dataset.table, dataset.images) if part]
        for place in (root, *(part for part in parts if not Path(part).resolve().is_relative_to(Path(root).resolve()))):
            if not is_remote(place):
                found[place] = _as_they_lie(_files(place))
    return found


def images_as_they_lie(settings: CheckSection, inputs: Inputs) -> Mapping[str, str]:
    """The files that the manifest names, wherever they are; those drawn into the output folder are another input."""
    drawn = [data.called for data in settings.data.each() if data.source == "synthetic" and data.root is None]
    rows = read_manifest(Path(inputs["manifest"])).filter(~pl.col("dataset").is_in(drawn)).drop_nulls("uri")
    places = {split_container(uri)[0] for uri in rows["uri"]}
    return {"images": _as_they_lie(sorted(place for place in places if not is_remote(place)))}


def weights_as_they_lie(settings: TrainSection, _: Inputs) -> Mapping[str, str]:
    """The content of a local file of weights."""
    weights = settings.model.weights
    if not isinstance(weights, Path):
        return {}
    return {"model.weights": hash_file(weights) if weights.is_file() else ABSENT}


def _as_they_lie(files: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for path in files:
        try:
            state = os.stat(path)  # noqa: PTH116 (400,000 paths)
            said = f"{state.st_size}\x1f{state.st_mtime_ns}"
        except OSError:
            said = ABSENT
        digest.update(f"{path}\x1f{said}\x1e".encode(errors="surrogateescape"))
    return digest.hexdigest()


def _files(place: str) -> Iterator[str]:
    """The file at `place`, or all files below it, also behind links, in one order."""
    if not os.path.isdir(place):  # noqa: PTH112
        yield place
    entered = set()
    for folder, below, names in os.walk(place, followlinks=True):
        state = os.stat(folder)  # noqa: PTH116
        if (state.st_dev, state.st_ino) in entered:  # a link back to a folder above
            below.clear()
            continue
        entered.add((state.st_dev, state.st_ino))
        below.sort()
        yield from (f"{folder}/{name}" for name in sorted(names))
