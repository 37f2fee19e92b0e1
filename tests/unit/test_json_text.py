"""Compact JSON says what the standard library's says."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nevus.json_text import json_text

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(PLAIN)
def test_what_is_written_is_read_back(value: object) -> None:
    assert json.loads(json_text(value)) == value


def test_numbers_keep_all_their_digits() -> None:
    numbers = [0.1 + 0.2, 1e-300, 5e-324, 1.7976931348623157e308, 2**53 + 1, 10**30, -0.0]
    assert json.loads(json_text(numbers)) == numbers
    assert json.loads(json_text([math.inf, -math.inf])) == [math.inf, -math.inf]


def test_a_name_that_is_no_unicode_is_escaped() -> None:
    assert json.loads(json_text({"file": "odd\udcff.jpg"})) == {"file": "odd\udcff.jpg"}


def test_what_json_cannot_say_is_refused() -> None:
    with pytest.raises(TypeError):
        json_text({"x": object()})
