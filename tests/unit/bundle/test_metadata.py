"""Age, sex and site are encoded in one layout, with unknown for each."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nevus.bundle import Metadata, MetadataError
from nevus.bundle.metadata import encode, width
from nevus.bundle.schema import MetadataSpec

SPEC = MetadataSpec(age_mean=50, age_std=20, sexes=("female", "male"), sites=("back", "face", "lower extremity"))


def test_the_layout_is_age_then_sex_then_site() -> None:
    encoded = encode(SPEC, [70.0, None, 0.0], ["male", "female", None], ["face", None, "lower extremity"])
    #             age  unknown | f  m  ? | back face lower ?
    expected = [
        [1.0, 0, 0, 1, 0, 0, 1, 0, 0],
        [0.0, 1, 1, 0, 0, 0, 0, 0, 1],
        [-2.5, 0, 0, 0, 1, 0, 0, 1, 0],
    ]
    assert encoded.dtype == np.float32
    assert encoded.tolist() == expected
    assert encoded.shape[1] == width(SPEC) == 9
    assert width(None) == 0


def test_what_the_model_did_not_learn_is_unknown() -> None:
    assert (encode(SPEC, [math.nan], ["diverse"], ["oral"]) == encode(SPEC, [None], [None], [None])).all()


def test_no_rows_give_an_empty_array_of_the_right_width() -> None:
    assert encode(SPEC, [], [], []).shape == (0, 9)


def test_columns_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        encode(SPEC, [1.0, 2.0], ["male"], ["face"])


@given(
    st.lists(
        st.tuples(
            st.none() | st.floats(0, 120),
            st.sampled_from([None, "male", "female", "other"]),
            st.sampled_from([None, *SPEC.sites, "elsewhere"]),
        )
    )
)
def test_each_group_has_exactly_one_value(rows: list[tuple[float | None, str | None, str | None]]) -> None:
    encoded = encode(SPEC, [r[0] for r in rows], [r[1] for r in rows], [r[2] for r in rows])
    assert (encoded[:, 2:5].sum(1) == 1).all()
    assert (encoded[:, 5:].sum(1) == 1).all()
    assert (encoded[:, 1] == [r[0] is None for r in rows]).all()


@pytest.mark.parametrize("age", [-1, 121, math.inf])
def test_an_impossible_age_is_refused(age: float) -> None:
    with pytest.raises(MetadataError, match="not possible"):
        Metadata(age=age)


def test_metadata_know_whether_anything_is_known() -> None:
    assert not Metadata().known
    assert not Metadata(age=math.nan).known
    assert Metadata(age=0.0).known
    assert Metadata(site="face").known
