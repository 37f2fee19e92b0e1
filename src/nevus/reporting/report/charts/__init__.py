"""The charts that only the report needs; the common ones are in `nevus.reporting.page.charts`."""

from nevus.reporting.report.charts.interval_mark import interval_axis, interval_mark
from nevus.reporting.report.charts.reliability import reliability_chart
from nevus.reporting.report.charts.roc import RocMark, roc_chart

__all__ = ["RocMark", "interval_axis", "interval_mark", "reliability_chart", "roc_chart"]
