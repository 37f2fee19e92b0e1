"""The ISIC archive tells diagnoses and sites in columns from general to special; the most special known one counts."""

from __future__ import annotations

import polars as pl
import pytest

from nevus.data.sources.archive_terms import DIAGNOSES_OF_ARCHIVE, most_special
from nevus.taxonomy import DIAGNOSES

LEVELS = [f"diagnosis_{n}" for n in range(1, 6)]


def code(*levels: str | None) -> str:
    row = dict(zip(LEVELS, [*levels, *[None] * (5 - len(levels))], strict=True))
    table = pl.DataFrame([row], schema=dict.fromkeys(LEVELS, pl.String))
    label = table.select(most_special(table, LEVELS, list(DIAGNOSES_OF_ARCHIVE))).item()
    return DIAGNOSES_OF_ARCHIVE.get((label or "").lower(), f"unmapped {label}")


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        (
            ("Malignant", "Malignant melanocytic proliferations (Melanoma)", "Melanoma in situ", "… lentigo maligna"),
            "mel",
        ),
        (("Malignant", "Malignant melanocytic proliferations (Melanoma)"), "mel"),
        (("Benign", "Benign melanocytic proliferations", "Nevus", "Blue nevus"), "nv"),
        (("Benign", "Benign melanocytic proliferations", "Lentigo simplex"), "nv"),
        (("Malignant", "Malignant adnexal epithelial proliferations - Follicular", "Basal cell carcinoma"), "bcc"),
        (("Malignant", "Malignant epidermal proliferations", "Squamous cell carcinoma in situ"), "akiec"),
        (("Malignant", "Malignant epidermal proliferations", "Squamous cell carcinoma, Invasive"), "scc"),
        (("Malignant", "Malignant epidermal proliferations", "Keratoacanthoma"), "scc"),
        (("Indeterminate", "Indeterminate epidermal proliferations", "Solar or actinic keratosis"), "akiec"),
        (("Benign", "Benign epidermal proliferations", "Pigmented benign keratosis"), "bkl"),
        (("Benign", "Benign epidermal proliferations", "Porokeratosis"), "unknown"),
        (("Benign", "Benign soft tissue proliferations - Vascular"), "vasc"),
        (("Benign", "Benign soft tissue proliferations - Vascular", "Hemangioma", "Cherry hemangioma"), "vasc"),
        (("Benign", "Benign soft tissue proliferations - Fibro-histiocytic", "Dermatofibroma"), "df"),
        (("Benign", "Benign soft tissue proliferations - Fibro-histiocytic", "Scar"), "unknown"),
        (("Malignant", "Merkel cell proliferation"), "unknown"),
        ((), "unknown"),
        (("Made up",), "unmapped Made up"),
    ],
)
def test_diagnoses(levels: tuple[str, ...], expected: str) -> None:
    assert code(*levels) == expected


def test_every_translation_is_a_code_of_ours() -> None:
    assert set(DIAGNOSES_OF_ARCHIVE.values()) <= set(DIAGNOSES)
    assert all(word == word.lower() for word in DIAGNOSES_OF_ARCHIVE)


def test_absent_columns_and_blank_texts_say_nothing() -> None:
    table = pl.DataFrame({"diagnosis_1": ["Benign"], "diagnosis_3": ["  "]})
    assert table.select(most_special(table, LEVELS, list(DIAGNOSES_OF_ARCHIVE))).item() == "Benign"
    empty = pl.DataFrame({"x": [1]})
    assert empty.select(most_special(empty, LEVELS, [])).item() is None
