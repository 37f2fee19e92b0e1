"""`report.html`: one file that says what a model does, for whom it was measured, and how far to trust it."""

from __future__ import annotations

from pathlib import Path

from nevus.bundle.verdict import NOTICE
from nevus.reporting.page import render, write_page
from nevus.reporting.report.context import ReportContext
from nevus.reporting.report.sections.cases import describe_cases
from nevus.reporting.report.sections.confidence import describe_confidence
from nevus.reporting.report.sections.data import describe_data
from nevus.reporting.report.sections.diagnoses import describe_diagnoses
from nevus.reporting.report.sections.gate import describe_gate, gate_word
from nevus.reporting.report.sections.limits import list_limits
from nevus.reporting.report.sections.malignancy import describe_malignancy
from nevus.reporting.report.sections.provenance import describe_provenance
from nevus.reporting.report.sections.refusals import describe_refusals
from nevus.reporting.report.sections.subgroups import describe_subgroups
from nevus.reporting.report.sections.summary import accuracy_sentence, group_noun, headlines, verdict_sentences
from nevus.reporting.report.sections.training import describe_training
from nevus.reporting.report.sections.views import describe_views
from nevus.reporting.report.wording import listed

_CONTENTS = {
    "verdict": "Verdict",
    "gate": "Gate",
    "data": "Data",
    "leakage": "Leakage",
    "training": "Training",
    "diagnoses": "Diagnoses",
    "malignancy": "Malignancy",
    "confidence": "Confidence",
    "views": "Views",
    "subgroups": "Subgroups",
    "refusals": "Refusals",
    "cases": "Evidence",
    "limits": "Not assessed",
    "provenance": "Provenance",
}


def render_report(context: ReportContext) -> str:
    """The report's HTML: self-contained, and the same for the same context."""
    sections = {
        "diagnoses": describe_diagnoses(context),
        "malignancy": describe_malignancy(context),
        "confidence": describe_confidence(context),
        "views": describe_views(context),
    }
    evaluated_at = context.results.provenance.evaluated_at
    left_out = {name for name, section in sections.items() if section is None}
    return render(
        "report.html.j2",
        "nevus.reporting.report",
        title=context.manifest.name,
        kicker="nevus · model report",
        standfirst=_standfirst(context),
        evaluated=f"{evaluated_at:%Y-%m-%d}" if evaluated_at else None,
        opened=_opened(context),
        contents=[(anchor, name) for anchor, name in _CONTENTS.items() if anchor not in left_out],
        notice=NOTICE,
        task=context.results.task,
        noun=group_noun(context),
        level=f"{context.results.bootstrap.level * 100:g}",
        sentences=verdict_sentences(context),
        headlines=headlines(context),
        accuracy=accuracy_sentence(context),
        gate=describe_gate(context),
        gate_word=gate_word(context),
        data=describe_data(context),
        data_lead=_data_lead(context),
        licences=context.licence_lines,
        attributions=list(context.attribution_lines),
        training=describe_training(context),
        subgroups=describe_subgroups(context),
        refusals=describe_refusals(context),
        cases=describe_cases(context),
        limits=list_limits(context),
        provenance=describe_provenance(context),
        **sections,
    )


def write_report(context: ReportContext, path: Path) -> None:
    """Write the report, under another name first.

    Raises:
        StorageFullError: there is no room.
    """
    write_page(render_report(context), path)


def _standfirst(context: ReportContext) -> str:
    manifest = context.manifest
    what = (
        f"A classifier of {len(manifest.classes)} diagnoses"
        if manifest.task == "diagnosis"
        else "A classifier of malignant against benign"
    )
    return f"{what}, {manifest.backbone}." if manifest.backbone else f"{what}."


def _opened(context: ReportContext) -> str:
    """How often the test part was opened: each look makes the next figure worth less."""
    openings = context.openings
    if openings is None:
        return "how often the test part was opened was not counted"
    return "test part opened once" if openings == 1 else f"test part opened {openings} times, this one included"


def _data_lead(context: ReportContext) -> str:
    data = context.manifest.data
    if not data.datasets:
        return "Which data sets these are is not recorded."
    names = f"Data sets: {listed(list(data.datasets))}."
    if context.results.task == "malignancy":
        return f"{names} Malignant is orange."
    return f"{names} Malignant, in orange: {listed(list(context.results.malignant))}."
