import numpy as np
import pytest

from nevus.evaluation.reliability import expected_calibration_error, reliability_bins


def test_error_by_hand():
    # Two bins in use of 15: [.6, .667) holds .61 and .65, of which one came true; [.933, 1] holds 1.0, which didn't.
    stated, came_true = np.array([0.61, 0.65, 1.0]), np.array([True, False, False])
    expected = 2 / 3 * abs(0.5 - 0.63) + 1 / 3 * 1.0
    assert expected_calibration_error(stated, came_true, np.ones(3)) == pytest.approx(expected)


def test_weights_count_like_copies():
    rng = np.random.default_rng(0)
    stated, weights = rng.random(100), rng.integers(0, 4, 100)
    came_true = rng.random(100) < stated
    copied = [np.repeat(a, weights) for a in (stated, came_true)]
    assert expected_calibration_error(stated, came_true, weights.astype(float)) == pytest.approx(
        float(expected_calibration_error(*copied, np.ones(weights.sum())))
    )


def test_error_is_the_gap_of_the_bins_that_are_drawn():
    rng = np.random.default_rng(1)
    stated = rng.beta(5, 2, 500)
    came_true = rng.random(500) < stated**2
    bins = reliability_bins(stated, came_true)
    gap = sum(b.count * abs(b.accuracy - b.mean_confidence) for b in bins if b.count) / 500
    assert expected_calibration_error(stated, came_true, np.ones(500)) == pytest.approx(gap)


def test_fifteen_bins_cover_zero_to_one_and_empty_ones_state_nothing():
    bins = reliability_bins(np.array([0.0, 1.0]), np.array([False, True]))
    assert len(bins) == 15
    assert (bins[0].low, bins[0].count, bins[0].accuracy) == (0, 1, 0)
    assert (bins[14].high, bins[14].count, bins[14].accuracy) == (1, 1, 1)
    assert bins[7].mean_confidence is None
    assert bins[7].accuracy is None


def test_what_is_stated_rightly_has_little_error():
    rng = np.random.default_rng(4)
    stated = rng.random(50_000)
    assert expected_calibration_error(stated, rng.random(50_000) < stated, np.ones(50_000)) < 0.01
