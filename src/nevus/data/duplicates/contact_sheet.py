"""The contact sheet: pairs of duplicates side by side, for people to judge.

It shows images of patients, so it belongs where the images themselves are kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nevus.data.duplicates.card import Card, make_card
from nevus.data.duplicates.collection import Reader
from nevus.data.duplicates.sheet_html import render_html
from nevus.data.duplicates.sheet_png import render_page

_PAIRS_A_PAGE = 20
_TITLE = "Duplicates across lesions"


def write_contact_sheet(
    pairs: pl.DataFrame,
    table: pl.DataFrame,
    reader: Reader,
    folder: Path,
    *,
    short_side: int = 225,
    most: int = 200,
    name: str = "duplicates",
) -> list[Path]:
    """Write `NAME.html` with all pairs and `NAME-1.png`, `NAME-2.png` ... with twenty each.

    Args:
        pairs: a table of pairs; a pair found in several ways is shown once, preferably with its geometry.
        table: the manifest whose rows the pairs name.
        reader: gives the pixels of a row of `table`, by its number.
        folder: made if need be. Each file is written whole or not at all; pages of an earlier sheet are replaced.
        short_side: the working size that the pairs' transforms refer to.
        most: at most so many pairs are shown; the page says how many there are.
        name: of the files.

    Returns:
        The files, the HTML first.
    """
    shown = _once(pairs)
    rows = {(row["dataset"], row["image_id"]): (i, row) for i, row in enumerate(table.iter_rows(named=True))}

    def lookup(dataset: str, image_id: str) -> tuple[Mapping[str, Any], NDArray[np.uint8]]:
        i, row = rows[dataset, image_id]
        return row, reader(i)

    cards = [make_card(pair, lookup, short_side) for pair in shown.head(most).iter_rows(named=True)]
    lead = _lead(shown, len(cards))
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob(f"{name}-*.png"):
        old.unlink()
    written = [_write(folder / f"{name}.html", render_html(cards, title=_TITLE, lead=lead).encode())]
    for page, start in enumerate(range(0, len(cards), _PAIRS_A_PAGE), start=1):
        written.append(
            _write_page(folder / f"{name}-{page}.png", cards[start : start + _PAIRS_A_PAGE], lead, start + 1)
        )
    return written


def _once(pairs: pl.DataFrame) -> pl.DataFrame:
    """Each pair once: as it was found geometrically where it was, else exact before published."""
    keys = ["dataset_a", "image_a", "dataset_b", "image_b"]
    first = pairs.sort(pl.col("transform").is_null(), maintain_order=True)
    return first.unique(keys, keep="first", maintain_order=True).sort(
        -pl.col("score"), pl.col("independent").fill_null(0), *keys, descending=[False, True] + [False] * 4
    )


def _lead(shown: pl.DataFrame, count: int) -> str:
    if shown.is_empty():
        return "No duplicates were found across groups."
    differ = f"{shown.height} pairs" if shown.height > 1 else "One pair"
    part = f"; the {count} surest are shown" if count < shown.height else ""
    return (
        f"{differ} of images that pass for different lesions{part}. The outline marks the part that the other image "
        "shows. Images of patients: keep this file where the images are kept."
    )


def _write_page(path: Path, cards: list[Card], lead: str, first: int) -> Path:
    partial = path.with_name(path.name + ".partial")
    render_page(cards, title=_TITLE, lead=lead, first=first).save(partial, "PNG")
    partial.replace(path)
    return path


def _write(path: Path, data: bytes) -> Path:
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(data)
    partial.replace(path)
    return path
