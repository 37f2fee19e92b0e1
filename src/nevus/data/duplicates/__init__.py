"""Duplicates: images that pass for different ones and aren't. Found exactly, nearly, or named by a published list."""

from nevus.data.duplicates.contact_sheet import write_contact_sheet
from nevus.data.duplicates.exact import DigestsMissingError, find_exact
from nevus.data.duplicates.near import NearDuplicateError, find_near
from nevus.data.duplicates.pairs import (
    KINDS,
    PAIR_SCHEMA,
    Search,
    image_pairs,
    pair_table,
    read_searched,
    write_pairs,
)
from nevus.data.duplicates.published import find_published, published_pairs
from nevus.data.duplicates.settings import DuplicateSettings, NearDuplicateSettings

__all__ = [
    "KINDS",
    "PAIR_SCHEMA",
    "DigestsMissingError",
    "DuplicateSettings",
    "NearDuplicateError",
    "NearDuplicateSettings",
    "Search",
    "find_exact",
    "find_near",
    "find_published",
    "image_pairs",
    "pair_table",
    "published_pairs",
    "read_searched",
    "write_contact_sheet",
    "write_pairs",
]
