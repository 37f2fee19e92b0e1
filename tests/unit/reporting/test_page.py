"""Formats, charts and rendering that all pages share."""

from __future__ import annotations

import base64
import xml.etree.ElementTree as ET
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import simplejpeg
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import UndefinedError

from nevus.reporting.page import embed_image, format_count, format_interval, format_number, format_percent, render
from nevus.reporting.page.charts import (
    Bar,
    Interval,
    Series,
    StackedBar,
    histogram,
    horizontal_bars,
    interval_chart,
    line_chart,
    matrix_chart,
    stacked_bars,
)
from nevus.reporting.page.charts.svg import scale, ticks
from nevus.reporting.page.rendering import write_page


def parsed(svg: str) -> ET.Element:
    return ET.fromstring(svg)


def rectangles(svg: str, tone: str) -> list[ET.Element]:
    return [r for r in parsed(svg).iter("rect") if f"tone-{tone}" in r.attrib["class"]]


@pytest.mark.parametrize(
    ("share", "shown"),
    [
        (0, "0 %"),
        (1, "100 %"),
        (0.387, "38.7 %"),
        (0.0001, "< 0.1 %"),
        (0.9999, "> 99.9 %"),
        (None, "–"),
        (np.nan, "–"),
    ],
)
def test_a_share_is_never_rounded_to_nothing_or_all(share: float | None, shown: str) -> None:
    assert format_percent(share) == shown


@pytest.mark.parametrize(("value", "shown"), [(0.762, ".762"), (1.0, "1.000"), (-0.02, "−.020"), (-0.0001, ".000")])
def test_scores_are_written_as_the_field_writes_them(value: float, shown: str) -> None:
    assert format_number(value) == shown


def test_an_interval_stands_behind_its_score() -> None:
    assert format_interval(0.762, 0.731, 0.79) == ".762 (.731 to .790)"
    assert format_interval(0.762, None, None) == ".762"
    assert format_interval(None, 0.1, 0.2) == "–"
    assert format_count(10015) == "10,015"


def test_bars_are_as_long_as_their_values() -> None:
    svg = horizontal_bars([Bar("a", 100), Bar("b", 25), Bar("c", 0)], title="t")
    lengths = [float(r.attrib["width"]) for r in rectangles(svg, "accent")]
    assert lengths[1] == pytest.approx(lengths[0] / 4, abs=0.02)
    assert lengths[2] == 0


def test_the_part_of_a_bar_is_its_share_of_the_bar() -> None:
    svg = horizontal_bars([Bar("a", 200, part=50, part_says="25 % malignant")], title="t")
    assert float(rectangles(svg, "warm")[0].attrib["width"]) == pytest.approx(
        float(rectangles(svg, "accent")[0].attrib["width"]) / 4, abs=0.02
    )
    assert "a: 200, 25 % malignant" in svg


def test_a_maximum_fixes_what_a_full_bar_means() -> None:
    half = rectangles(horizontal_bars([Bar("a", 0.5, "x")], title="t", maximum=1.0), "accent")[0]
    full = rectangles(horizontal_bars([Bar("a", 1.0, "x")], title="t", maximum=1.0), "accent")[0]
    assert float(half.attrib["width"]) == pytest.approx(float(full.attrib["width"]) / 2, abs=0.02)


def test_stacked_bars_share_out_the_same_length() -> None:
    svg = stacked_bars([StackedBar("a", (3, 1)), StackedBar("b", (0, 0))], [("x", "accent"), ("y", "warm")], title="t")
    x, y = (rectangles(svg, tone)[1] for tone in ("accent", "warm"))
    assert (float(x.attrib["width"]) + 1) == pytest.approx(3 * (float(y.attrib["width"]) + 1), abs=0.1)
    assert "a, x: 3 (75.0%)" in svg


def test_a_histogram_stacks_its_layers() -> None:
    svg = histogram([0, 1, 2], [("m", [1, 0], "warm"), ("b", [3, 2], "accent")], title="t", x_label="x")
    low, first, second = rectangles(svg, "warm")[0], *rectangles(svg, "accent")[:2]
    assert float(first.attrib["height"]) == pytest.approx(3 * float(low.attrib["height"]), abs=0.1)
    assert float(second.attrib["height"]) == pytest.approx(2 * float(low.attrib["height"]), abs=0.1)
    assert float(first.attrib["y"]) + float(first.attrib["height"]) == pytest.approx(float(low.attrib["y"]), abs=0.1)


def test_an_interval_beyond_the_axis_is_cut_at_its_edge() -> None:
    rows = [Interval("a", 0.5, 0.0, 1.0, ".5"), Interval("b", None, shown="too small")]
    svg = interval_chart(rows, title="t", low=0.4, high=0.6)
    whisker = rectangles(svg, "accent")[0]
    cut = rectangles(interval_chart(rows, title="t", low=0.0, high=1.0), "accent")[0]
    assert whisker.attrib["width"] == cut.attrib["width"]
    assert "b: too small" in svg
    assert len(list(parsed(svg).iter("circle"))) == 1


def test_a_line_goes_through_its_points() -> None:
    svg = line_chart([Series("s", [0, 1], [0, 1])], title="t", x_label="x", y_label="y", x_range=(0, 1), y_range=(0, 1))
    points = [p.split(",") for p in next(parsed(svg).iter("polyline")).attrib["points"].split()]
    assert float(points[0][0]) < float(points[1][0])
    assert float(points[0][1]) > float(points[1][1])  # up is towards zero


def test_a_matrix_is_as_deep_as_its_share_of_the_row() -> None:
    svg = matrix_chart(["a", "b"], ["a", "b"], [[3, 1], [0, 4]], title="t")
    shades = [float(r.attrib["style"].split(":")[1]) for r in parsed(svg).iter("rect")]
    assert shades == [pytest.approx(0.04 + 0.9 * s, abs=0.01) for s in (0.75, 0.25, 0, 1)]


CHARTS = {
    "bars": lambda s: horizontal_bars([Bar(s, 1)], title=s),
    "stacked": lambda s: stacked_bars([StackedBar(s, (1, 2))], [(s, "accent"), ("b", "warm")], title=s),
    "histogram": lambda s: histogram([0, 1], [(s, [1], "accent")], title=s, x_label=s, y_label=s),
    "intervals": lambda s: interval_chart([Interval(s, 0.5, shown=s)], title=s),
    "lines": lambda s: line_chart([Series(s, [0, 1], [1, 2], marks=[(0, 1, s)])], title=s, x_label=s, y_label=s),
    "matrix": lambda s: matrix_chart([s], [s], [[1]], title=s, row_label=s, column_label=s),
}


@pytest.mark.parametrize("name", CHARTS)
def test_no_text_breaks_out_of_its_chart(name: str) -> None:
    svg = CHARTS[name]('</title><script>"&')
    root = parsed(svg)
    assert not list(root.iter("script"))
    assert root.find("title").text == '</title><script>"&'


@pytest.mark.parametrize("name", CHARTS)
def test_every_chart_has_a_role_and_a_title(name: str) -> None:
    root = parsed(CHARTS[name]("Images by class"))
    assert root.attrib["role"] == "img"
    assert root[0].tag == "title"


def test_charts_of_nothing_are_still_charts() -> None:
    parsed(horizontal_bars([], title="t"))
    parsed(stacked_bars([], [("a", "accent")], title="t"))
    parsed(line_chart([], title="t", x_label="x", y_label="y"))
    parsed(histogram([0, 1], [("a", [0], "accent")], title="t", x_label="x"))


def test_long_labels_take_two_lines_before_they_are_cut() -> None:
    svg = horizontal_bars([Bar("Actinic keratosis / Bowen's disease", 1), Bar("x" * 60, 1)], title="t")
    texts = [t.text for t in parsed(svg).iter("text")]
    assert "Actinic keratosis /" in texts
    assert "Bowen's disease" in texts
    assert any(t.endswith("…") for t in texts)


@settings(max_examples=60, deadline=None)
@given(low=st.floats(-1e6, 1e6), span=st.floats(1e-3, 1e6), wanted=st.integers(1, 8))
def test_ticks_are_round_increasing_and_within_the_axis(low: float, span: float, wanted: int) -> None:
    found = ticks(low, low + span, wanted)
    assert all(a < b for a, b in pairwise(found))
    assert all(low - span * 1e-6 <= t <= low + span * (1 + 1e-6) for t in found)
    assert len(found) <= 2 * wanted + 2


def test_ticks_by_hand() -> None:
    assert ticks(0, 1, 4) == [0, 0.5, 1.0]
    assert ticks(0, 1, 5) == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1.0])
    assert ticks(-3, 17, 4) == [0, 5, 10, 15]
    assert ticks(5, 5) == [5]


def test_a_scale_maps_ends_to_ends() -> None:
    to = scale(10, 20, 100, 0)
    assert (to(10), to(15), to(20)) == (100, 50, 0)
    assert scale(3, 3, 0, 10)(3) == 5


def test_an_embedded_image_is_a_jpeg_of_at_most_the_asked_size() -> None:
    thumbnail = embed_image(np.full((300, 600, 3), 128, np.uint8), max_side=240)
    assert (thumbnail.width, thumbnail.height) == (240, 120)
    data = base64.b64decode(thumbnail.src.removeprefix("data:image/jpeg;base64,"))
    assert simplejpeg.decode_jpeg_header(data)[:2] == (120, 240)


def test_a_small_image_is_not_enlarged() -> None:
    assert embed_image(np.zeros((10, 20, 3), np.uint8)).width == 20


def test_a_value_that_the_template_lacks_is_an_error() -> None:
    with pytest.raises(UndefinedError, match="title"):
        render("base.html.j2", "nevus.reporting.page")


def test_a_page_is_replaced_as_a_whole(tmp_path: Path) -> None:
    write_page("first", tmp_path / "p.html")
    write_page("second", tmp_path / "p.html")
    assert (tmp_path / "p.html").read_text() == "second"
    assert [p.name for p in tmp_path.iterdir()] == ["p.html"]
