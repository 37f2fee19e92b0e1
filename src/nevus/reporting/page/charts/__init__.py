"""Charts as pure functions: numbers in, a string of inline SVG out, coloured by the page's stylesheet."""

from nevus.reporting.page.charts.bars import Bar, horizontal_bars
from nevus.reporting.page.charts.histogram import histogram
from nevus.reporting.page.charts.intervals import Interval, interval_chart
from nevus.reporting.page.charts.lines import Series, line_chart
from nevus.reporting.page.charts.matrix import matrix_chart
from nevus.reporting.page.charts.stacked import StackedBar, stacked_bars
from nevus.reporting.page.charts.svg import Tone

__all__ = [
    "Bar",
    "Interval",
    "Series",
    "StackedBar",
    "Tone",
    "histogram",
    "horizontal_bars",
    "interval_chart",
    "line_chart",
    "matrix_chart",
    "stacked_bars",
]
