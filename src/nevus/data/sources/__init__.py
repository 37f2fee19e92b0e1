"""Datasets: each in its own layout, all with the same manifest."""

from nevus.data.sources.base import UNMAPPED, Source
from nevus.data.sources.catalogue import SOURCES, open_source
from nevus.data.sources.errors import MissingColumnError, MissingDatasetError, SourceError

__all__ = [
    "SOURCES",
    "UNMAPPED",
    "MissingColumnError",
    "MissingDatasetError",
    "Source",
    "SourceError",
    "open_source",
]
