"""How often the model refuses to answer, and whom it refuses."""

from __future__ import annotations

from dataclasses import dataclass

from nevus.evaluation.results import RefusalRates
from nevus.reporting.page.formats import format_count, format_number
from nevus.reporting.report.charts.interval_mark import Axis
from nevus.reporting.report.context import ReportContext
from nevus.reporting.report.sections.forest import Column, Entry, Forest, draw_forest
from nevus.reporting.report.wording import diagnosis_name


@dataclass(frozen=True)
class RefusalsSection:
    """One table: all, malignant, by source, by class."""

    limit: str
    forest: Forest


def describe_refusals(context: ReportContext) -> RefusalsSection | None:
    """The refusals' section; None where refusal wasn't evaluated."""
    found = context.results.refusals
    if found is None:
        return None
    entries = [_entry("All images", found.overall), _entry("Malignant images", found.malignant)]
    if found.by_source:
        entries += [Entry("By source"), *(_entry(name, rates) for name, rates in found.by_source.items())]
    if found.by_class:
        entries += [Entry("By class"), *(_entry(diagnosis_name(c), rates) for c, rates in found.by_class.items())]
    shares = [rates for entry in entries for rates in entry.figures if rates]
    top = max((e.high or e.value or 0.0 for e in shares), default=0.0)
    axis = Axis(0.0, next((t for t in (0.05, 0.1, 0.2, 0.5) if top <= t), 1.0))
    columns = [
        Column("Out of distribution", percent=True, axis=axis),
        Column("Unusable image", plot=False, percent=True),
        Column("Too close to call", plot=False, percent=True),
    ]
    limit = (
        "no limit is set" if found.ood_limit is None else f"the limit is a score of {format_number(found.ood_limit)}"
    )
    return RefusalsSection(limit, draw_forest("Share refused", "Images", "Images", columns, entries))


def _entry(label: str, rates: RefusalRates) -> Entry:
    return Entry(
        label,
        format_count(rates.n_images),
        (rates.out_of_distribution, rates.unusable, rates.near_threshold),
        "not assessed: no image",
    )
