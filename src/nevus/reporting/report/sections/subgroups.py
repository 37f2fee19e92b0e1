"""How the model does on the young and the old, by site, by source: and where there are too few to say."""

from __future__ import annotations

from dataclasses import dataclass

from nevus.evaluation.results import TEST, SubgroupScores
from nevus.reporting.page.formats import format_count
from nevus.reporting.report.context import ReportContext
from nevus.reporting.report.sections.forest import Column, Entry, Forest, draw_forest
from nevus.reporting.report.sections.summary import group_noun
from nevus.reporting.report.wording import DIMENSIONS

SCORES = {
    "malignant_sensitivity": "Sensitivity, malignant",
    "malignant_specificity": "Specificity",
    "balanced_accuracy": "Balanced accuracy",
}


@dataclass(frozen=True)
class SubgroupsSection:
    """One table over all dimensions, headings between them; `absent` names the dimensions that the data lack."""

    forest: Forest | None
    absent: list[str]
    threshold: str


def describe_subgroups(context: ReportContext) -> SubgroupsSection:
    """The subgroups' section."""
    scores = context.scores(TEST)
    point = context.default_point(scores)
    overall = (
        None if point is None else point.sensitivity.value,
        None if point is None else point.specificity.value,
        None
        if scores is None or "balanced_accuracy" not in scores.metrics
        else scores.metrics["balanced_accuracy"].value,
    )
    columns = [Column(name, reference=value) for name, value in zip(SCORES.values(), overall, strict=True)]
    entries: list[Entry] = []
    found = context.results.subgroups
    order = [d for d in DIMENSIONS if d in found] + sorted(set(found) - set(DIMENSIONS))
    for dimension in order:
        entries.append(Entry(DIMENSIONS.get(dimension, dimension.replace("_", " ").capitalize())))
        entries += [_entry(dimension, level) for level in found[dimension]]
    noun = group_noun(context).capitalize()
    forest = (
        draw_forest("Scores by subgroup", "Subgroup", f"{noun}s (malignant)", columns, entries) if entries else None
    )
    absent = [name for key, name in DIMENSIONS.items() if key not in found]
    return SubgroupsSection(forest, absent, context.results.default_operating_point or "")


def level_name(dimension: str, level: str) -> str:
    """A level as people write it: `30–44`, `follow up`; a source's name is an id and stays as it is."""
    if dimension == "source":
        return level
    return level.replace("-", "–") if dimension == "age_band" else level.replace("_", " ")


def too_small(context: ReportContext) -> dict[str, list[str]]:
    """Dimension -> its subgroups that can't be judged; the table of subgroups gives the reasons."""
    found = {
        DIMENSIONS.get(dimension, dimension): [
            level_name(dimension, level.level) for level in levels if level.status == "too_small"
        ]
        for dimension, levels in context.results.subgroups.items()
    }
    return {dimension: names for dimension, names in found.items() if names}


def _entry(dimension: str, level: SubgroupScores) -> Entry:
    note = f"{format_count(level.n_groups)} ({format_count(level.n_malignant_groups)})"
    why = f"too small: {level.reason}" if level.status == "too_small" and level.reason else "too small"
    figures = tuple(level.metrics.get(name) for name in SCORES)
    return Entry(level_name(dimension, level.level), note, figures, why, again="too small")
