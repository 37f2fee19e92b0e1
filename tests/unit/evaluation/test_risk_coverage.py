import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nevus.evaluation.risk_coverage import area_under_risk_coverage, risk_coverage_curve


def test_curve_by_hand_with_a_tie():
    confidence, wrong = np.array([0.9, 0.8, 0.8, 0.4]), np.array([False, True, False, True])
    coverage, risk = risk_coverage_curve(confidence, wrong)
    assert coverage.tolist() == [0.25, 0.75, 1.0]
    assert risk.tolist() == pytest.approx([0, 1 / 3, 1 / 2])
    assert area_under_risk_coverage(confidence, wrong, np.ones(4)) == pytest.approx((0 + 2 / 3 + 1 / 2) / 4)


def test_area_is_the_mean_risk_over_all_coverages():
    rng = np.random.default_rng(0)
    confidence, wrong = rng.random(200), rng.random(200) < 0.3
    ordered = wrong[np.argsort(-confidence)]
    risks = [ordered[: k + 1].mean() for k in range(200)]
    assert area_under_risk_coverage(confidence, wrong, np.ones(200)) == pytest.approx(np.mean(risks))


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans(), st.integers(0, 3)), min_size=1, max_size=25))
@settings(max_examples=60, deadline=None)
def test_weights_count_like_copies_and_full_coverage_has_the_error_rate(rows):
    confidence, wrong, copies = (np.array(side) for side in zip(*rows, strict=True))
    area = area_under_risk_coverage(confidence, wrong, copies.astype(float))
    if copies.sum() == 0:
        assert np.isnan(area)
        return
    repeated = np.repeat(confidence, copies), np.repeat(wrong, copies)
    assert area == pytest.approx(float(area_under_risk_coverage(*repeated, np.ones(copies.sum()))))
    assert risk_coverage_curve(*repeated)[1][-1] == pytest.approx(repeated[1].mean())
