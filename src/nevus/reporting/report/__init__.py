"""`report.html`: what a model does, shown so that one can judge it."""

from nevus.reporting.report.context import Case, DataFacts, LeakageProof, ReportContext, RunRecord
from nevus.reporting.report.writing import render_report, write_report

__all__ = [
    "Case",
    "DataFacts",
    "LeakageProof",
    "ReportContext",
    "RunRecord",
    "render_report",
    "write_report",
]
