"""From the settings to one manifest: every dataset is read, and several are merged."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl

from nevus.data.settings import DataSettings
from nevus.data.sources import open_source


def ingest(settings: DataSettings, cache: Path, progress: Callable[[int, int], None] | None = None) -> pl.DataFrame:
    """Read the dataset, or all datasets, as one manifest, sorted by dataset and image id.

    Args:
        settings: which datasets.
        cache: the folder that a source may draw into.
        progress: told images done and of all, where a source takes its time.

    Raises:
        SourceError: a dataset isn't there or lacks what it must have.
    """
    tables = [
        open_source(dataset, malignant=settings.malignant, cache=cache, progress=progress).read()
        for dataset in settings.each()
    ]
    return pl.concat(tables)
