"""The ISIC archive's words for diagnoses and sites: a hierarchy, told in columns from general to special."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

DIAGNOSES_OF_ARCHIVE: Mapping[str, str] = {
    # level 4 and 3
    "nevus": "nv",
    "melanoma": "mel",
    "melanoma, nos": "mel",
    "melanoma in situ": "mel",
    "melanoma invasive": "mel",
    "melanoma metastasis": "mel",
    "basal cell carcinoma": "bcc",
    "solar or actinic keratosis": "akiec",
    "actinic keratosis": "akiec",
    "squamous cell carcinoma in situ": "akiec",
    "squamous cell carcinoma in situ, bowens disease": "akiec",
    "squamous cell carcinoma": "scc",
    "squamous cell carcinoma, nos": "scc",
    "squamous cell carcinoma, invasive": "scc",
    "keratoacanthoma": "scc",
    "seborrheic keratosis": "bkl",
    "pigmented benign keratosis": "bkl",
    "solar lentigo": "bkl",
    "ink-spot lentigo": "bkl",
    "lentigo nos": "bkl",
    "lichen planus like keratosis": "bkl",
    "lichenoid keratosis": "bkl",
    "clear cell acanthoma": "bkl",
    "dermatofibroma": "df",
    "vascular lesion": "vasc",
    "angioma": "vasc",
    "hemangioma": "vasc",
    "angiokeratoma": "vasc",
    "pyogenic granuloma": "vasc",
    # level 2, where nothing more special is told
    "benign melanocytic proliferations": "nv",
    "malignant melanocytic proliferations (melanoma)": "mel",
    "benign soft tissue proliferations - vascular": "vasc",
    "hemorrhagic lesions": "vasc",
    # level 1: any of the many diagnoses that are none of ours
    "benign": "unknown",
    "malignant": "unknown",
    "indeterminate": "unknown",
    # the flat column of older exports
    "other": "unknown",
    "unknown": "unknown",
    "scar": "unknown",
    "verruca": "unknown",
    "acrochordon": "unknown",
    "aimp": "unknown",
    "atypical melanocytic proliferation": "unknown",
    "angiofibroma or fibrous papule": "unknown",
    "adnexal tumor": "unknown",
    "cafe-au-lait macule": "unknown",
    "": "unknown",
}
"""In lower case -> our code. Bowen's disease is squamous cell carcinoma in situ, so it is `akiec`, as in HAM10000."""


def most_special(table: pl.DataFrame, columns: Sequence[str], known: Sequence[str]) -> pl.Expr:
    """The text of the most special column whose word is known, else of the most special one that says anything.

    Args:
        table: has some of the columns.
        columns: from general to special.
        known: words in lower case.
    """
    present = [column for column in reversed(columns) if column in table.columns]
    texts = [_text(column) for column in present]
    words = list(known)
    mapped = [pl.when(text.str.to_lowercase().is_in(words)).then(text) for text in texts]
    return pl.coalesce(*mapped, *texts) if texts else pl.lit(None, dtype=pl.String)


def _text(column: str) -> pl.Expr:
    text = pl.col(column).cast(pl.String).str.strip_chars()
    return pl.when(text != "").then(text)
