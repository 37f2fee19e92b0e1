"""Duplicates that others have found and published, by dataset."""

from __future__ import annotations

from collections.abc import Collection

_HAM10000 = """
0033481-0033421 0033556-0032634 0029152-0033173 0029036-0027027 0027820-0028209 0027689-0032647
0030906-0024879 0033391-0034186 0025226-0030074 0026087-0025664 0024736-0029748 0024770-0027811
0027162-0029061 0024602-0032283 0029625-0024629 0030000-0031392 0024437-0031299 0033374-0033417
"""
"""Abhishek, Jain & Hamarneh, Scientific Data 12:196, 2025: pairs of images of HAM10000 across lesion ids."""


def published_pairs(datasets: Collection[str]) -> list[tuple[str, str]]:
    """Pairs of image ids that are known to show one lesion, of these datasets."""
    if not {"ham10000", "isic2019"} & set(datasets):
        return []
    split = (pair.split("-") for pair in _HAM10000.split())
    return [(f"ISIC_{first}", f"ISIC_{second}") for first, second in split]
