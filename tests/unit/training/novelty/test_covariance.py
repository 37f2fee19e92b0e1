"""The covariance that stays invertible, against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.covariance import LedoitWolf

from nevus.training.novelty.covariance import shrunk_covariance, whitening


@pytest.mark.parametrize(("n", "width"), [(200, 6), (12, 30)])
def test_the_shrinkage_is_ledoit_and_wolfs(n, width):
    rng = np.random.default_rng(n)
    x = rng.normal(size=(n, width)) @ rng.normal(size=(width, width))
    x -= x.mean(0)
    expected = LedoitWolf(assume_centered=True).fit(x).covariance_
    np.testing.assert_allclose(shrunk_covariance(x), expected, rtol=1e-8)


def test_whitened_directions_have_unit_spread_even_with_fewer_rows_than_columns():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(10, 25)) * rng.uniform(0.1, 10, 25)
    x -= x.mean(0)
    white = whitening(x)
    np.testing.assert_allclose(white @ shrunk_covariance(x) @ white.T, np.eye(25), atol=1e-8)


def test_rows_that_are_all_alike_give_finite_numbers():
    assert np.isfinite(whitening(np.zeros((5, 3)))).all()
