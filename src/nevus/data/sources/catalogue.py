"""All sources by name."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from nevus.data.settings import DatasetSettings
from nevus.data.sources.base import Source
from nevus.data.sources.folder import FolderSource
from nevus.data.sources.ham10000 import Ham10000Source
from nevus.data.sources.isic2019 import Isic2019Source
from nevus.data.sources.isic2020 import Isic2020Source
from nevus.data.sources.isic2024 import Isic2024Source
from nevus.data.sources.isic_archive import Bcn20000Source, IsicArchiveSource
from nevus.data.sources.synthetic import SyntheticSource
from nevus.data.sources.table import TableSource
from nevus.taxonomy import MALIGNANT

SOURCES: Mapping[str, type[Source]] = {
    source.name: source
    for source in (
        SyntheticSource,
        Ham10000Source,
        Isic2019Source,
        Isic2020Source,
        Isic2024Source,
        IsicArchiveSource,
        Bcn20000Source,
        FolderSource,
        TableSource,
    )
}


def open_source(
    settings: DatasetSettings,
    *,
    malignant: Collection[str] = MALIGNANT,
    cache: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Source:
    """The source that the settings name.

    Args:
        settings: of this dataset.
        malignant: diagnoses that count as malignant where the dataset has no column of its own.
        cache: the folder that a source may draw or unpack into.
        progress: told images done and of all, by a source that takes its time.
    """
    if settings.source == SyntheticSource.name:
        return SyntheticSource(settings, malignant=malignant, cache=cache, progress=progress)
    return SOURCES[settings.source](settings, malignant=malignant)
