"""Prepared images: decoded and resized once into Arrow shards, read at random from memory-mapped files."""

from nevus.data.prepare.index import PreparedError, PreparedIndex
from nevus.data.prepare.prepare import PreparedSummary, Progress, prepare
from nevus.data.prepare.reader import PreparedImages, UnknownImageError, default_cache
from nevus.data.prepare.settings import Encoding, PrepareSettings

__all__ = [
    "Encoding",
    "PrepareSettings",
    "PreparedError",
    "PreparedImages",
    "PreparedIndex",
    "PreparedSummary",
    "Progress",
    "UnknownImageError",
    "default_cache",
    "prepare",
]
