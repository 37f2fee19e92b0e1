"""The card says what the model is for, what it does and what nobody measured, in Markdown that stays Markdown."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from nevus.bundle.schema import DataSummary
from nevus.evaluation.metrics import METRICS
from nevus.evaluation.results import EvaluationResults
from nevus.reporting.card import render_card, write_card
from nevus.reporting.card.markdown import code_block, escape, table
from nevus.reporting.report import ReportContext
from report_factory import make_context, make_manifest

HEADINGS = (
    "The model",
    "Intended use",
    "Out of scope",
    "The data",
    "How it was trained",
    "Results",
    "Limits: what was not assessed",
    "How to run it",
    "How to cite it",
    "Provenance",
)


@pytest.fixture(scope="module")
def context() -> ReportContext:
    return make_context()


@pytest.fixture(scope="module")
def card(context: ReportContext) -> str:
    return render_card(context)


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def rows_of(card: str, first: str) -> list[str]:
    """The cells of the row that begins with this."""
    return next(cells(line) for line in card.splitlines() if line.startswith(f"| {first} |"))


def test_every_part_of_a_model_card_is_there(card: str) -> None:
    found = re.findall(r"^## (.*)$", card, flags=re.MULTILINE)
    assert [heading for heading in found if heading in HEADINGS] == list(HEADINGS)


def test_scores_stand_with_their_intervals(card: str, context: ReportContext) -> None:
    for name in ("balanced_accuracy", "malignant_auroc", "melanoma_recall", "malignant_pauc"):
        row = rows_of(card, METRICS[name].title)
        for cell, subset in zip(row[1:], ("test", "test_lesion", "test_histology", "test_answered"), strict=True):
            estimate = context.results.subsets[subset].metrics[name]
            shown = [float(number) for number in re.findall(r"\d?\.\d+", cell)]
            assert shown == pytest.approx([estimate.value, estimate.low, estimate.high], abs=5.01e-4)


def test_every_rule_of_the_gate_is_there_and_a_failed_one_stands_out(context: ReportContext) -> None:
    assert context.gate is not None
    lines = context.gate.lines
    lines = (lines[0].model_copy(update={"passed": False}), *(x.model_copy(update={"passed": True}) for x in lines[1:]))
    card = render_card(replace(context, gate=context.gate.model_copy(update={"lines": lines, "passed": False})))
    assert f"1 of {len(lines)} rules fail" in card
    assert [rows_of(card, line.rule)[-1] for line in lines] == ["FAILS"] + ["passes"] * (len(lines) - 1)


def test_a_non_commercial_licence_is_a_warning_and_another_one_is_not(context: ReportContext) -> None:
    bound = render_card(context)
    assert "**Not for commercial use.**" in bound
    assert "CC BY-NC 4.0" in bound[: bound.index("## The model")]
    manifest = make_manifest(context.results, licence="CC0", commercial_use=True)
    assert "Not for commercial use" not in render_card(replace(context, manifest=manifest))
    unknown = make_manifest(context.results, licence="unknown")
    assert "licence of its training data isn't known" in render_card(replace(context, manifest=unknown))


def test_whom_the_data_are_owed_to_is_said(card: str) -> None:
    assert card.count("Tschandl et al., Sci Data 5:180161, 2018") == 2, "with the licence, and under how to cite"


def test_what_the_data_lack_is_said_and_what_they_have_is_not_complained_of(context: ReportContext) -> None:
    def limits(**has: bool) -> str:
        manifest = make_manifest(context.results, data=DataSummary(datasets=("ISIC 2020",), **has))
        return render_card(replace(context, manifest=manifest)).partition("## Limits")[2]

    lacking = limits()
    assert "**Independence of patients.**" in lacking
    assert "**Skin types.**" in lacking
    complete = limits(has_patient_ids=True, has_skin_type=True)
    assert "Independence of patients" not in complete
    assert "Skin types" not in complete
    assert "**Effect on physicians and patients.**" in complete


def test_the_notice_opens_and_closes_the_card(card: str) -> None:
    lines = [line for line in card.splitlines() if line]
    assert "Decision support, not a diagnosis" in lines[1]
    assert "Decision support, not a diagnosis" in lines[-1]


def test_a_card_within_its_bundle_names_no_digest_of_it(context: ReportContext) -> None:
    card = render_card(replace(context, record=replace(context.record, bundle_digest=None)))
    assert "Bundle digest" not in card
    assert "Bundle digest" in render_card(context)


def test_bare_results_make_a_card_that_says_what_is_missing(context: ReportContext) -> None:
    results = context.results.model_copy(
        update={
            "subsets": {},
            "subgroups": {},
            "refusals": None,
            "calibration": None,
            "sizes": {},
            "test_openings": None,
        }
    )
    card = render_card(ReportContext(manifest=make_manifest(results, data={}), results=results))
    assert card.count("Not assessed") >= 5
    assert not re.search(r"\b(nan|None)\b", card)


def test_the_same_context_gives_the_same_card(context: ReportContext, card: str, tmp_path: Path) -> None:
    write_card(make_context(), tmp_path / "card.md")
    assert (tmp_path / "card.md").read_text(encoding="utf-8") == card


def test_a_binary_model_has_a_card_too() -> None:
    card = render_card(make_context(task="malignancy"))
    assert "how suspicious a lesion is" in card
    assert "Diagnoses outside its classes" not in card


def test_hostile_names_are_text(context: ReportContext) -> None:
    evil = "<img src=x onerror=alert(1)> | **x** [a](javascript:1)\n# Approved"
    results = EvaluationResults.from_json(context.results.to_json().replace('"back"', '"<b>|back"'))
    card = render_card(
        replace(
            context,
            manifest=make_manifest(results, name=evil, licence=evil, backbone=evil),
            results=results,
            record=replace(context.record, command="a ``` b\n# Approved", machine=evil),
        )
    )
    tokens = MarkdownIt("commonmark").enable("table").parse(card)
    inline = [child for token in tokens for child in token.children or ()]
    kinds = {token.type for token in (*tokens, *inline)}
    assert not kinds & {"html_block", "html_inline", "link_open", "image"}
    titles = [tokens[k + 1].content for k, token in enumerate(tokens) if token.type == "heading_open"]
    assert sum("Approved" in title for title in titles) == 1, "only in the model's own name, in the first heading"
    assert "".join(child.content for child in inline).count(evil.replace("\n", " ")) >= 3
    assert [token.content for token in tokens if token.type == "fence"][-1] == "a ``` b\n# Approved\n"


@given(st.text(max_size=40))
@settings(max_examples=150, deadline=None)
def test_no_text_breaks_out_of_its_cell(text: str) -> None:
    lines = table([("a", False), ("b", True)], [[text, "x"]]).split("\n")
    assert len(lines) == 3
    row = cells(lines[2])
    assert len(row) == 2
    assert "<" not in row[0]


def test_names_with_underscores_stay_readable() -> None:
    assert escape("sensitivity_95") == "sensitivity_95"
    assert escape("_emphasis_") == "\\_emphasis\\_"


def test_a_code_block_cannot_be_closed_by_its_content() -> None:
    block = code_block("x\n````\ny")
    assert block.startswith("`````\n")
    assert block.endswith("\n`````")
