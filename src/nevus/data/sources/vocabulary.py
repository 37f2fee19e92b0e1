"""The words that all sources agree on for site, sex, confirmation and malignancy, and the datasets' words for them."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from nevus.taxonomy import SITES

SITE: Mapping[str, str | None] = {
    **{site: site for site in SITES},
    # HAM10000's, as the ISIC archive translates the same images
    "abdomen": "anterior torso",
    "acral": "palms/soles",
    "back": "posterior torso",
    "chest": "anterior torso",
    "ear": "head/neck",
    "face": "head/neck",
    "foot": "lower extremity",
    "genital": "oral/genital",
    "hand": "upper extremity",
    "neck": "head/neck",
    "scalp": "head/neck",
    "trunk": "torso",
    # the archive's hierarchy, from general to special
    "anogenital region": "oral/genital",
    "anterior trunk": "anterior torso",
    "lateral trunk": "lateral torso",
    "posterior trunk": "posterior torso",
    "palm of hand": "palms/soles",
    "sole of foot": "palms/soles",
    "mouth": "oral/genital",
    # other spellings
    "head & neck": "head/neck",
    "head and neck": "head/neck",
    "torso front": "anterior torso",
    "torso back": "posterior torso",
    "left arm": "upper extremity",
    "right arm": "upper extremity",
    "arm": "upper extremity",
    "forearm": "upper extremity",
    "shoulder": "upper extremity",
    "left leg": "lower extremity",
    "right leg": "lower extremity",
    "leg": "lower extremity",
    "thigh": "lower extremity",
    "palm": "palms/soles",
    "sole": "palms/soles",
    "palms and soles": "palms/soles",
    "oral and genital": "oral/genital",
    "oral cavity": "oral/genital",
    "genitalia": "oral/genital",
}
"""In lower case; for the words that no dataset uses, an own table can be corrected."""

SEX: Mapping[str, str | None] = {
    "female": "female",
    "f": "female",
    "woman": "female",
    "w": "female",
    "male": "male",
    "m": "male",
    "man": "male",
}

CONFIRMED_BY: Mapping[str, str | None] = {
    "histology": "histology",
    "histo": "histology",
    "histopathology": "histology",
    "biopsy": "histology",
    "follow_up": "follow_up",
    "follow-up": "follow_up",
    "serial imaging showing no change": "follow_up",
    "consensus": "consensus",
    "single image expert consensus": "consensus",
    "expert consensus": "consensus",
    "confocal": "confocal",
    "confocal microscopy": "confocal",
    "confocal microscopy with consensus dermoscopy": "confocal",
    "single contributor clinical assessment": None,
}

MALIGNANCY: Mapping[str, str | None] = {
    **dict.fromkeys(("malignant", "1", "1.0", "true", "yes", "y"), "malignant"),
    **dict.fromkeys(("benign", "0", "0.0", "false", "no", "n"), "benign"),
    "indeterminate": None,
}
"""For a column of its own that says whether a lesion is malignant."""

_NOTHING = ("unknown", "not known", "unspecified", "other", "none", "na", "n/a", "nan", "null", "-")


def normalise(column: pl.Expr, words: Mapping[str, str | None]) -> pl.Expr:
    """Translate texts, whatever their case; what says nothing becomes null, what nobody knows stays for the check."""
    text = column.str.to_lowercase()
    table = {**dict.fromkeys(_NOTHING), **words}
    return text.replace_strict(table, default=text, return_dtype=pl.String)
