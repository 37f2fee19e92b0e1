"""The report's own charts put every value where it belongs."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation_factory import make_evaluation
from nevus.evaluation.estimate import Estimate
from nevus.evaluation.subset_scores import ReliabilityBin, RocCurve
from nevus.reporting.page.charts.svg import LETTER
from nevus.reporting.report.charts import RocMark, interval_mark, reliability_chart, roc_chart
from nevus.reporting.report.charts.interval_mark import EDGE, Axis
from nevus.reporting.report.charts.reliability import FEW

CIRCLE = re.compile(r'<circle class="([^"]*)" cx="([-\d.]+)" cy="([-\d.]+)"')
DOT = re.compile(r'<circle class="fill[^"]*" cx="([\d.]+)%"')
STRAIGHT = RocCurve(false_positive_rate=(0.0, 0.0, 1.0), sensitivity=(0.0, 0.9, 1.0), thresholds=(None, 0.5, 0.0))


def frame(svg: str) -> tuple[float, float, float]:
    """The chart's axis: left end, right end and height."""
    found = re.search(r'<line class="axis" x1="([\d.]+)" y1="([\d.]+)" x2="([\d.]+)"', svg)
    assert found is not None
    left, base, right = (float(v) for v in found.groups())
    return left, right, base


def test_the_operating_point_lies_at_its_sensitivity_and_false_positive_rate() -> None:
    mark = RocMark("95 %", Estimate(value=0.93, low=0.9, high=0.96), Estimate(value=0.7, low=0.6, high=0.8), True)
    svg = roc_chart(STRAIGHT, [mark], title="ROC")
    left, right, base = frame(svg)
    _, x, y = CIRCLE.findall(svg)[0]
    assert (float(x) - left) / (right - left) == pytest.approx(0.3, abs=1e-3)
    assert (base - float(y)) / (right - left) == pytest.approx(0.93, abs=1e-3)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_shaded_region_has_the_area_of_the_partial_auroc(seed: int) -> None:
    scores = make_evaluation(n_lesions=300, replicates=0, seed=seed).subsets["test"]
    assert scores.malignant_roc is not None
    svg = roc_chart(scores.malignant_roc, [], title="ROC", floor=0.8)
    left, right, _ = frame(svg)
    corners = re.search(r'<polygon class="region" points="([^"]*)"', svg)
    assert corners is not None
    x, y = np.array([[float(v) for v in corner.split(",")] for corner in corners.group(1).split()]).T
    area = abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2 / (right - left) ** 2
    assert area == pytest.approx(scores.metrics["malignant_pauc"].value, abs=0.003)


@pytest.mark.parametrize("specificity", [0.03, 0.5, 0.97])
@pytest.mark.parametrize("sensitivity", [0.05, 0.9, 0.99])
def test_the_names_of_operating_points_stay_apart_and_inside_the_frame(sensitivity: float, specificity: float) -> None:
    marks = [
        RocMark(f"{90 + k} %", Estimate(value=sensitivity), Estimate(value=specificity + k / 400)) for k in range(4)
    ]
    svg = roc_chart(STRAIGHT, marks, title="ROC")
    left, right, base = frame(svg)
    found = re.findall(r'x="([-\d.]+)" y="([-\d.]+)" text-anchor="start">9\d %', svg)
    places = [(float(x), float(y)) for x, y in found]
    assert len(places) == 4
    for k, (x, y) in enumerate(places):
        assert left <= x <= right - 4 * LETTER
        assert y <= base
        for other_x, other_y in places[k + 1 :]:
            assert abs(x - other_x) >= 4 * LETTER or abs(y - other_y) >= 14


def test_an_operating_point_without_a_figure_is_left_out() -> None:
    svg = roc_chart(STRAIGHT, [RocMark("95 %", Estimate(value=None), Estimate(value=0.5))], title="ROC")
    assert not CIRCLE.findall(svg)


def test_the_reliability_dot_lies_at_what_was_stated_and_what_came_true() -> None:
    bins = [
        ReliabilityBin(low=0.0, high=0.5, count=0, mean_confidence=None, accuracy=None),
        ReliabilityBin(low=0.5, high=1.0, count=40, mean_confidence=0.75, accuracy=0.25),
    ]
    svg = reliability_chart(bins, title="Reliability", x_label="stated", y_label="true")
    left, right, _ = frame(svg)
    dots = CIRCLE.findall(svg)
    assert len(dots) == 1
    assert (float(dots[0][1]) - left) / (right - left) == pytest.approx(0.75, abs=1e-3)
    ends = re.search(r'<line class="reference" x1="[\d.]+" y1="([\d.]+)" x2="[\d.]+" y2="([\d.]+)"', svg)
    assert ends is not None
    base, top = (float(v) for v in ends.groups())
    assert (base - float(dots[0][2])) / (base - top) == pytest.approx(0.25, abs=1e-3)


def test_a_bin_of_few_is_hollow_and_the_line_passes_it_by() -> None:
    bins = [
        ReliabilityBin(low=k / 3, high=(k + 1) / 3, count=n, mean_confidence=k / 3 + 0.1, accuracy=0.5)
        for k, n in enumerate((40, FEW - 1, FEW))
    ]
    svg = reliability_chart(bins, title="Reliability", x_label="stated", y_label="true")
    assert [style.split()[0] for style, _, _ in CIRCLE.findall(svg)] == ["fill", "mark", "fill"]
    line = re.search(r'<polyline[^>]*points="([^"]*)"', svg)
    assert line is not None
    assert len(line.group(1).split()) == 2


figures = st.floats(0, 1).map(lambda v: round(v, 4))


@given(st.lists(figures, min_size=3, max_size=3).map(sorted), figures)
@settings(max_examples=60, deadline=None)
def test_the_bar_spans_its_interval_and_the_dot_lies_within(values: list[float], reference: float) -> None:
    low, value, high = values
    estimate = Estimate(value=value, low=low, high=high)
    axis = Axis.around([estimate], [reference])
    assert 0 <= axis.low < axis.high <= 1
    assert axis.high - axis.low >= 0.3 - 1e-9
    assert axis.low <= min(low, reference)
    assert axis.high >= max(high, reference)
    svg = interval_mark(estimate, axis, says="a figure", reference=reference)
    bar = re.search(r'<rect class="whisker[^"]*" x="([\d.]+)%" width="([\d.]+)%"', svg)
    dot = DOT.search(svg)
    assert bar is not None
    assert dot is not None
    start, width, x = float(bar.group(1)), float(bar.group(2)), float(dot.group(1))
    assert start - 0.02 <= x <= start + width + 0.02
    scale = (100 - 2 * EDGE) / (axis.high - axis.low)
    assert width == pytest.approx(max((high - low) * scale, 0.5), abs=0.02)
    assert x == pytest.approx(EDGE + (value - axis.low) * scale, abs=0.02)


def test_the_failing_side_of_a_bound_is_the_shaded_one() -> None:
    def shaded(lower_is_better: bool) -> tuple[float, float]:
        svg = interval_mark(Estimate(value=0.5), Axis(0, 1), says="", bound=0.25, lower_is_better=lower_is_better)
        found = re.search(r'<rect class="forbidden" x="([\d.]+)%" width="([\d.]+)%"', svg)
        assert found is not None
        return float(found.group(1)), float(found.group(2))

    below, above = shaded(False), shaded(True)
    assert below[1] == pytest.approx(0.25 * (100 - 2 * EDGE))
    assert above[0] == pytest.approx(below[0] + below[1])
    assert above[1] == pytest.approx(0.75 * (100 - 2 * EDGE))


def test_nothing_is_drawn_where_there_is_no_figure() -> None:
    assert DOT.search(interval_mark(Estimate(value=0.5), Axis(), says="x"))
    assert not DOT.search(interval_mark(None, Axis(), says="x"))
    assert not DOT.search(interval_mark(Estimate(value=None), Axis(), says="x"))
