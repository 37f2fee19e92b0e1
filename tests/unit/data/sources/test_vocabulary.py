"""The datasets' words for site, sex and confirmation end in one small vocabulary."""

from __future__ import annotations

import polars as pl
import pytest

from nevus.data.manifest import CONFIRMATIONS
from nevus.data.sources.vocabulary import CONFIRMED_BY, SEX, SITE, normalise
from nevus.taxonomy import SEXES, SITES


def said(word: str | None, words: object) -> str | None:
    return pl.DataFrame({"w": [word]}, schema={"w": pl.String}).select(normalise(pl.col("w"), words)).item()  # type: ignore[arg-type]


def test_every_translation_ends_in_the_vocabulary() -> None:
    assert set(SITE.values()) == set(SITES)
    assert set(SEX.values()) == set(SEXES)
    assert set(CONFIRMED_BY.values()) - {None} == set(CONFIRMATIONS)


def test_keys_are_in_lower_case_or_they_would_never_match() -> None:
    assert all(word == word.lower().strip() for words in (SITE, SEX, CONFIRMED_BY) for word in words)


@pytest.mark.parametrize(
    ("word", "site"),
    [
        ("abdomen", "anterior torso"),
        ("Back", "posterior torso"),
        ("trunk", "torso"),
        ("scalp", "head/neck"),
        ("acral", "palms/soles"),
        ("Anogenital region", "oral/genital"),
        ("palms/soles", "palms/soles"),
        ("unknown", None),
        ("", ""),
        (None, None),
        ("third eye", "third eye"),
    ],
)
def test_sites(word: str | None, site: str | None) -> None:
    assert said(word, SITE) == site


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("histo", "histology"),
        ("histopathology", "histology"),
        ("serial imaging showing no change", "follow_up"),
        ("single image expert consensus", "consensus"),
        ("confocal microscopy with consensus dermoscopy", "confocal"),
        ("single contributor clinical assessment", None),
    ],
)
def test_confirmations(word: str, meant: str | None) -> None:
    assert said(word, CONFIRMED_BY) == meant
