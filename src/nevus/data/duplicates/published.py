"""Duplicate pairs that others have found and published, as data."""

from __future__ import annotations

import polars as pl

from nevus.data.duplicates.pairs import pair_table

HAM10000 = (
    ("ISIC_0033421", "ISIC_0033481"),
    ("ISIC_0032634", "ISIC_0033556"),
    ("ISIC_0029152", "ISIC_0033173"),
    ("ISIC_0027027", "ISIC_0029036"),
    ("ISIC_0027820", "ISIC_0028209"),
    ("ISIC_0027689", "ISIC_0032647"),
    ("ISIC_0024879", "ISIC_0030906"),
    ("ISIC_0033391", "ISIC_0034186"),
    ("ISIC_0025226", "ISIC_0030074"),
    ("ISIC_0025664", "ISIC_0026087"),
    ("ISIC_0024736", "ISIC_0029748"),
    ("ISIC_0024770", "ISIC_0027811"),
    ("ISIC_0027162", "ISIC_0029061"),
    ("ISIC_0024602", "ISIC_0032283"),
    ("ISIC_0024629", "ISIC_0029625"),
    ("ISIC_0030000", "ISIC_0031392"),
    ("ISIC_0024437", "ISIC_0031299"),
    ("ISIC_0033374", "ISIC_0033417"),
)
"""Pairs of images of one lesion under two lesion ids: Abhishek, Jain, Hamarneh, Scientific Data 12:196, 2025."""

_LISTS = {"ham10000": HAM10000}


def published_pairs(dataset: str) -> list[tuple[str, str]]:
    """The published pairs of a dataset, as image ids in order; empty where no list is known.

    Args:
        dataset: the dataset's name as the manifest has it, in any case. Datasets that contain HAM10000 under other
            names are served through their image ids: see `find_published`.
    """
    return list(_LISTS.get(dataset.lower(), ()))


def find_published(table: pl.DataFrame) -> pl.DataFrame:
    """The published pairs of which both images are in the table, whatever the dataset is called.

    ISIC ids name one image in the whole archive, so HAM10000's pairs are pairs in ISIC 2019, which contains it, too.

    Args:
        table: rows with `dataset, image_id`.

    Returns:
        A table of pairs of kind `published`.
    """
    where: dict[str, list[str]] = {}
    for dataset, image_id in table.select("dataset", "image_id").sort("dataset", "image_id").iter_rows():
        where.setdefault(image_id, []).append(dataset)
    return pair_table(
        {"dataset_a": da, "image_a": a, "dataset_b": db, "image_b": b, "kind": "published", "score": 1.0}
        for pairs in _LISTS.values()
        for a, b in pairs
        for da in where.get(a, [])[:1]
        for db in where.get(b, [])[:1]
    )
