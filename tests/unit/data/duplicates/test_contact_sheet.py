from __future__ import annotations

import re

import numpy as np
import polars as pl
import pytest
from PIL import Image

from nevus.data.duplicates import pair_table, write_contact_sheet
from nevus.data.duplicates.card import make_card

TABLE = pl.DataFrame(
    {
        "dataset": ["d", "d", "d"],
        "image_id": ["one", "two", "three"],
        "lesion_id": ["L<1>", "L2", None],
        "diagnosis": ["mel", "nv", "nv"],
        "age": [40.0, 40.0, None],
        "sex": ["male", "female", None],
        "site": ["back", "back", None],
        "source": [None, None, None],
    }
)


@pytest.fixture(scope="module")
def photographs(lesion, again) -> tuple[list[np.ndarray], np.ndarray]:
    first = lesion(0)
    closer, matrix = again(first, scale=2.0, degrees=20)
    return [first, closer, lesion(5)], matrix


@pytest.fixture(scope="module")
def pairs(photographs) -> pl.DataFrame:
    near = {"dataset_a": "d", "image_a": "one", "dataset_b": "d", "image_b": "two", "kind": "near", "score": 0.987}
    near |= {"inliers": 31, "independent": 20, "correlation": 0.81, "overlap": 0.9, "scale": 2.0, "rotation": 20.0}
    near |= {"mirrored": False, "transform": photographs[1].reshape(-1).tolist()}
    other = {"dataset_a": "d", "image_a": "one", "dataset_b": "d", "image_b": "three", "kind": "published", "score": 1}
    return pair_table([near, {**other, "image_b": "two"}, other])


def test_the_wider_image_is_laid_over_the_closer_one(photographs, pairs) -> None:
    rows = {row["image_id"]: (row, photographs[0][i]) for i, row in enumerate(TABLE.iter_rows(named=True))}
    pair = pairs.filter(pl.col("kind") == "near").row(0, named=True)
    card = make_card(pair, lambda _, name: rows[name], 225)
    assert [panel.heading for panel in card.panels] == ["one", "one", "two"]
    laid, closer = (panel.pixels.astype(float) for panel in card.panels[1:])
    inner = (slice(30, -30), slice(30, -30))
    grey = [image[inner].mean(axis=2).ravel() for image in (laid, closer)]
    assert np.corrcoef(*grey)[0, 1] > 0.98
    assert card.differences == ("diagnosis: mel / nv", "sex: male / female")
    assert "zoom 2.0" in card.evidence
    assert "turned by 20°" in card.evidence
    # Turned round, the same picture comes out.
    back = np.linalg.inv(np.vstack([photographs[1], [0, 0, 1]]))[:2]
    swapped = pair | {"image_a": "two", "image_b": "one", "transform": back.reshape(-1).tolist(), "scale": 0.5}
    assert [p.heading for p in make_card(swapped, lambda _, name: rows[name], 225).panels] == ["one", "one", "two"]


def test_the_sheet_is_one_html_file_and_pages_of_pixels(photographs, pairs, tmp_path) -> None:
    files = write_contact_sheet(pairs, TABLE, lambda i: photographs[0][i], tmp_path)
    assert [file.name for file in files] == ["duplicates.html", "duplicates-1.png"]
    html = files[0].read_text()
    assert html.count("<article>") == 2  # a pair that was found in two ways is shown once
    assert html.count("data:image/jpeg;base64,") == 5
    assert not re.search(r'(?:src|href)="(?!data:)', html)
    assert "lesion L&lt;1&gt;" in html
    assert "diagnosis: mel / nv" in html
    with Image.open(files[1]) as page:
        assert page.width > 900
    assert sorted(file.name for file in tmp_path.iterdir()) == ["duplicates-1.png", "duplicates.html"]


def test_more_pairs_than_fit_are_counted(photographs, pairs, tmp_path) -> None:
    html = write_contact_sheet(pairs, TABLE, lambda i: photographs[0][i], tmp_path, most=1)[0].read_text()
    assert html.count("<article>") == 1
    assert "2 pairs" in html
    assert "the 1 surest" in html


def test_pages_of_an_earlier_sheet_do_not_stay(photographs, pairs, tmp_path) -> None:
    (tmp_path / "duplicates-9.png").write_bytes(b"old")
    files = write_contact_sheet(pairs.head(0), TABLE, lambda i: photographs[0][i], tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["duplicates.html"]
    assert "No duplicates" in files[0].read_text()
