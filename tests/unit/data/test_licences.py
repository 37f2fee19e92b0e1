"""Commercial use is allowed only by a licence that is known to allow it."""

from __future__ import annotations

import pytest

from nevus.data.licences import allow_commercial_use, each_licence


@pytest.mark.parametrize(
    "licence",
    [
        "CC0-1.0",
        "CC-0",
        "cc0 1.0 universal",
        "CC-BY",
        "cc-by-4.0",
        "CC BY-SA 3.0",
        "Creative Commons Attribution 4.0 International License",
        "Attribution-ShareAlike 4.0 International",
        "https://creativecommons.org/licenses/by/4.0/",
        "https://creativecommons.org/publicdomain/zero/1.0/deed.en",
        "Apache-2.0",
        "Apache License, Version 2.0",
        "MIT License",
        "BSD-3-Clause",
        "Public Domain",
        "ODC-BY-1.0",
    ],
)
def test_licences_that_allow_it_are_known_however_they_are_written(licence):
    assert allow_commercial_use([licence])


@pytest.mark.parametrize(
    "licence",
    [
        "CC-BY-NC-4.0",
        "cc-by-nc-4.0",
        "CC BY-NC-SA 4.0",
        "CC-BY-ND-4.0",
        "Creative Commons Attribution-NonCommercial 4.0",
        "https://creativecommons.org/licenses/by-nc/4.0/",
        "All rights reserved",
        "academic use only",
        "public domain for research only",
        "MIT, non-commercial",
        "unknown",
        "see the paper",
        "4.0",
        "",
        None,
    ],
)
def test_what_is_not_known_to_allow_it_does_not(licence):
    assert not allow_commercial_use([licence])
    assert not allow_commercial_use(["CC0-1.0", licence])


def test_no_licence_at_all_allows_nothing():
    assert not allow_commercial_use([])


def test_each_licence_is_named_once_and_the_lack_of_one_too():
    assert each_licence(["CC-BY", None, "CC-0", "CC-BY", " "]) == ("CC-0", "CC-BY", "unknown")
