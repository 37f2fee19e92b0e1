"""The card's tables: the same figures as the report's, as text."""

from __future__ import annotations

from nevus.evaluation.results import TEST
from nevus.reporting.card.markdown import Markdown, escape, table
from nevus.reporting.page.formats import format_count
from nevus.reporting.report.context import ReportContext
from nevus.reporting.report.sections.data import describe_data
from nevus.reporting.report.sections.gate import observed_words, required_words
from nevus.reporting.report.sections.malignancy import OPERATING_COLUMNS, operating_rows
from nevus.reporting.report.sections.provenance import NOT_RECORDED, describe_provenance
from nevus.reporting.report.sections.subgroups import SCORES, level_name
from nevus.reporting.report.sections.summary import gate_sentence, group_noun
from nevus.reporting.report.sections.views import score_rows
from nevus.reporting.report.wording import (
    DIMENSIONS,
    SUBSETS,
    diagnosis_name,
    shown,
    shown_percent,
)

NO_TEST = Markdown("Not assessed: there is no evaluation on a test part.")


def data_table(context: ReportContext) -> Markdown:
    """Images by class and part of the split."""
    data = describe_data(context)
    return table(data.columns, data.rows)


def results_table(context: ReportContext) -> Markdown:
    """Every score in every view."""
    if context.scores(TEST) is None:
        return NO_TEST
    subsets = [s for s in SUBSETS if context.scores(s) is not None]
    return table([("Score", False), *((SUBSETS[s], True) for s in subsets)], score_rows(context, subsets))


def class_table(context: ReportContext) -> Markdown | None:
    """Each class against all others."""
    scores = context.scores(TEST)
    if scores is None:
        return None
    rows = []
    for code, found in scores.per_class.items():
        why = "too few cases" if found.n_votes else "no case of it"
        figures = (found.recall, found.precision, found.f1, found.auroc)
        rows.append([diagnosis_name(code), format_count(found.n_votes), *(shown(figure, why) for figure in figures)])
    names = ("Recall", "Precision", "F1", "AUROC")
    return table([("Class", False), ("Images", True), *((name, True) for name in names)], rows)


def operating_table(context: ReportContext) -> Markdown:
    """What each operating point aimed at, and what it does."""
    rows = operating_rows(context)
    return table(OPERATING_COLUMNS, rows) if rows else Markdown("Not assessed: no operating point is set.")


def subgroup_table(context: ReportContext) -> Markdown:
    """Sensitivity, specificity and balanced accuracy by subgroup, or why not."""
    rows = []
    for dimension, levels in context.results.subgroups.items():
        name = DIMENSIONS.get(dimension, dimension)
        for level in levels:
            why = f"too small: {level.reason}" if level.reason else "too small"
            figures = [level.metrics.get(score) for score in SCORES]
            missing = [f is None or f.value is None for f in figures]
            shares = [
                shown(f) if not gone else "too small" if any(missing[:k]) else why
                for k, (f, gone) in enumerate(zip(figures, missing, strict=True))
            ]
            counts = f"{format_count(level.n_groups)} ({format_count(level.n_malignant_groups)})"
            rows.append([f"{name}: {level_name(dimension, level.level)}", counts, *shares])
    if not rows:
        return Markdown("Not assessed: the test part holds neither age, sex, site nor source.")
    noun = group_noun(context).capitalize()
    return table(
        [("Subgroup", False), (f"{noun}s (malignant)", True), *((name, True) for name in SCORES.values())], rows
    )


def refusal_table(context: ReportContext) -> Markdown:
    """How often it refuses: all, malignant, by source and class."""
    found = context.results.refusals
    if found is None:
        return Markdown("Not assessed: refusal wasn't part of this evaluation.")
    named = {"All images": found.overall, "Malignant images": found.malignant}
    named |= {f"Source {name}": rates for name, rates in found.by_source.items()}
    named |= {diagnosis_name(code): rates for code, rates in found.by_class.items()}
    rows = [
        [
            name,
            format_count(rates.n_images),
            shown_percent(rates.out_of_distribution, "no image"),
            shown_percent(rates.unusable, "no image"),
            shown_percent(rates.near_threshold, "no image"),
        ]
        for name, rates in named.items()
    ]
    names = ("Out of distribution", "Unusable image", "Too close to call")
    return table([("Images", False), ("n", True), *((name, True) for name in names)], rows)


def gate_table(context: ReportContext) -> Markdown:
    """The gate, line by line."""
    gate = context.gate
    if gate is None:
        return Markdown("Not assessed: no policy has been applied to these results.")
    rows = [
        [line.rule, line.what, observed_words(line), required_words(line), "passes" if line.passed else "FAILS"]
        for line in gate.lines
    ]
    columns = [("Rule", False), ("What", False), ("Observed", True), ("Required", True), ("Verdict", False)]
    return Markdown(f"Policy {escape(gate.policy)}. {escape(gate_sentence(context))}\n\n{table(columns, rows)}")


def provenance_table(context: ReportContext) -> Markdown:
    """Where it came from."""
    found = describe_provenance(context)
    libraries = ", ".join(f"{name} {version}" for name, version in found.libraries) or NOT_RECORDED
    # A card inside its bundle can't hold the digest that is taken over it.
    facts = [[name, value] for name, value, _ in found.facts if (name, value) != ("Bundle digest", NOT_RECORDED)]
    return table([("What", False), ("Value", False)], [*facts, ["Libraries", libraries]])
