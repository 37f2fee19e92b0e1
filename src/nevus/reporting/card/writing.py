"""`card.md`: the model card that travels with the bundle."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from nevus.bundle.verdict import NOTICE
from nevus.reporting.card import statements, tables
from nevus.reporting.card.markdown import escape
from nevus.reporting.page import write_page
from nevus.reporting.report.context import ReportContext
from nevus.reporting.report.sections.data import describe_data
from nevus.reporting.report.sections.summary import accuracy_sentence, group_noun, verdict_sentences


def render_card(context: ReportContext) -> str:
    """The card as Markdown, the same for the same context."""
    environment = Environment(
        autoescape=True, finalize=_as_markdown, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    source = resources.files("nevus.reporting.card").joinpath("templates", "card.md.j2").read_text(encoding="utf-8")
    text = environment.from_string(source).render(
        name=context.manifest.name,
        notice=NOTICE,
        warning=statements.licence_warning(context),
        verdict=" ".join(verdict_sentences(context)),
        accuracy=accuracy_sentence(context),
        facts=statements.model_facts(context),
        intended=statements.intended_use(context),
        out_of_scope=statements.out_of_scope(context),
        datasets=statements.data_statement(context),
        data_table=tables.data_table(context),
        data_notes=" ".join(describe_data(context).notes),
        leakage=statements.leakage_statement(context),
        licences=statements.licence_statement(context),
        training=statements.training_statement(context),
        level=f"{context.results.bootstrap.level * 100:g}",
        noun=group_noun(context),
        results=tables.results_table(context),
        classes=tables.class_table(context),
        operating_points=tables.operating_table(context),
        subgroups=tables.subgroup_table(context),
        refusals=tables.refusal_table(context),
        gate=tables.gate_table(context),
        limits=statements.limits_list(context),
        commands=statements.commands(context),
        citation=statements.citation(context),
        provenance=tables.provenance_table(context),
    )
    return text.strip() + "\n"


def _as_markdown(value: object) -> Markup:
    """A value escaped for Markdown, which includes HTML's characters; jinja then leaves it as it is."""
    return Markup(escape(value))  # noqa: S704


def write_card(context: ReportContext, path: Path) -> None:
    """Write the card, under another name first.

    Raises:
        StorageFullError: there is no room.
    """
    write_page(render_card(context), path)
