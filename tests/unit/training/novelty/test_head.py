"""The fit of the score on statistics: the logistic part against scikit-learn, the whole by what it must tell apart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from nevus.training.novelty.head import fit_statistics, ridge_logistic
from nevus.training.novelty.parameters import NoveltyParameters, NoveltyParametersError

WIDTH = 6
SHIFT = np.array([4.0, 0, 0, 0, 0, 0])
"""Where the pictures to refuse differ from lesions."""


@pytest.fixture
def lesions() -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.normal(size=(400, WIDTH)) @ np.diag([1, 2, 0.5, 10, 1, 1]) + 5


def test_the_logistic_part_is_scikit_learns():
    rng = np.random.default_rng(1)
    x = np.concatenate([rng.normal(0, 1, (90, 4)), rng.normal(0.8, 1, (30, 4))])
    positive = np.arange(120) >= 90
    weights, intercept = ridge_logistic(x, positive, 0.3)
    oracle = LogisticRegression(C=0.3, class_weight="balanced", tol=1e-8, max_iter=2000).fit(x, positive)
    np.testing.assert_allclose(weights, oracle.coef_[0], atol=1e-4)
    assert intercept == pytest.approx(oracle.intercept_[0], abs=1e-4)


def test_scores_count_in_spreads_of_lesions_above_their_mean(lesions):
    others = np.random.default_rng(2).normal(8, 1, (100, WIDTH))
    scores = fit_statistics(lesions, others).score(lesions)
    assert scores.mean() == pytest.approx(0, abs=1e-6)
    assert scores.std() == pytest.approx(1, abs=1e-6)


def test_what_resembles_the_other_pictures_scores_higher(lesions):
    rng = np.random.default_rng(3)
    fitted = fit_statistics(lesions, lesions[:200] + SHIFT)
    fresh = rng.normal(size=(200, WIDTH)) @ np.diag([1, 2, 0.5, 10, 1, 1]) + 5
    strange = fitted.score(fresh + SHIFT)
    assert np.mean(strange > np.quantile(fitted.score(fresh), 0.95)) > 0.9


def test_what_no_other_picture_showed_is_strange_by_its_distance(lesions):
    """Off in a direction, and on a side, that the pictures to refuse knew nothing of."""
    fitted = fit_statistics(lesions, lesions[:200] + SHIFT)
    away = lesions[200:] + np.array([0, 0, -6.0, 0, 0, 0])  # twelve spreads
    blind = replace(fitted, distance=np.zeros(1))
    gain, gain_of_resemblance = (np.median(p.score(away) - p.score(lesions[200:])) for p in (fitted, blind))
    assert gain > 1
    assert gain_of_resemblance < 0.2 * gain


def test_a_statistic_that_never_varies_leaves_the_scores_finite(lesions):
    lesions[:, 2] = 1.0
    others = lesions[:200] + SHIFT
    scores = fit_statistics(lesions, others).score(lesions)
    assert np.isfinite(scores).all()


def test_parameters_come_back_from_their_file(lesions, tmp_path):
    fitted = fit_statistics(lesions, lesions + 3)
    fitted.save(tmp_path / "novelty.safetensors")
    again = NoveltyParameters.load(tmp_path / "novelty.safetensors")
    np.testing.assert_array_equal(again.score(lesions), fitted.score(lesions))
    assert [p.name for p in tmp_path.iterdir()] == ["novelty.safetensors"]


def test_another_file_is_no_parameters(tmp_path):
    (tmp_path / "x").write_text("no")
    with pytest.raises(NoveltyParametersError, match="x holds no parameters of a novelty score"):
        NoveltyParameters.load(tmp_path / "x")
    with pytest.raises(NoveltyParametersError, match="absent"):
        NoveltyParameters.load(tmp_path / "absent")
