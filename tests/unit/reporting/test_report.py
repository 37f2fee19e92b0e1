"""The report shows what it was given: all of it, nothing else, and in one file that asks nobody for anything."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from nevus.evaluation.estimate import Estimate
from nevus.evaluation.metrics import METRICS
from nevus.evaluation.results import EvaluationResults
from nevus.reporting.report import Case, DataFacts, LeakageProof, ReportContext, render_report, write_report
from report_factory import draw_lesion, make_cases, make_context, make_manifest

CHROMIUM = Path("/usr/bin/chromium")
MISPLACED_AXES = """
[...document.querySelectorAll('table.forest')].flatMap(table => {
  const boxes = where => [...table.querySelectorAll(where + ' svg.mini')].map(s => s.getBoundingClientRect());
  const axes = boxes('thead');
  const under = m => axes.some(a => Math.abs(a.left - m.left) < 1 && Math.abs(a.width - m.width) < 1);
  return axes.length ? boxes('tbody').filter(m => !under(m)).map(m => [m.left, m.width]) : [];
})
"""
"""The marks that don't stand right below an axis of their own width: there the axis would lie."""
VOID = {"meta", "link", "img", "br", "hr", "input"}
FIGURE = re.compile(r"^([−\d.]+) \(([−\d.]+) to ([−\d.]+)\)$")


class Page(HTMLParser):
    """What a browser would see: elements with their attributes, and each table's rows of cells."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.stack: list[str] = []
        self.tables: list[list[list[str]]] = []
        self.sections: dict[str, str] = {}
        self._section = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.stack.append(tag)
        if tag == "section":
            self._section = dict(attrs).get("id") or ""
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_endtag(self, tag: str) -> None:
        while self.stack and self.stack.pop() != tag:
            pass
        if tag == "section":
            self._section = ""

    def handle_data(self, data: str) -> None:
        if "style" in self.stack:
            return
        self.sections[self._section] = self.sections.get(self._section, "") + data
        if ("td" in self.stack or "th" in self.stack) and "svg" not in self.stack:
            self.tables[-1][-1][-1] += data

    def table_with(self, *heads: str) -> list[list[str]]:
        """The first table whose header has all these cells."""
        return next(t for t in self.tables if set(heads) <= {cell.strip() for cell in t[0]})


@pytest.fixture(scope="module")
def context() -> ReportContext:
    return make_context()


@pytest.fixture(scope="module")
def html(context: ReportContext) -> str:
    return render_report(context)


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


def shows(cell: str, estimate: Estimate) -> bool:
    """Whether a cell says this figure and its interval, to the digits it is printed with."""
    found = FIGURE.match(cell.strip())
    if found is None or estimate.value is None:
        return False
    numbers = [float(text.replace("−", "-")) for text in found.groups()]
    return np.allclose(numbers, [estimate.value, estimate.low, estimate.high], atol=5.01e-4)  # type: ignore[list-item]


def test_the_page_asks_nobody_for_anything(page: Page, html: str) -> None:
    for tag, attributes in page.elements:
        for name in ("src", "href", "srcset", "action", "data", "poster"):
            value = attributes.get(name) or ""
            assert not value or value.startswith(("data:", "#")), (tag, name, value[:80])
    assert not {"script", "iframe", "object", "embed"} & {tag for tag, _ in page.elements}
    assert "@import" not in html
    assert re.search(r"url\((?!['\"]?data:)", html) is None


def test_every_rule_of_the_gate_stands_with_what_was_observed_and_required(page: Page, context: ReportContext) -> None:
    assert context.gate is not None
    rows = page.table_with("Rule", "Observed", "Required", "Verdict")[1:]
    assert len(rows) == len(context.gate.lines)
    for row, line in zip(rows, context.gate.lines, strict=True):
        assert line.what in row[0]
        assert line.description in row[0]
        if line.observed.value is None:
            assert line.explanation in row[1]
        else:
            assert shows(row[-3], line.observed), (line.rule, row)
        assert f"{abs(line.limit):.2f}".removeprefix("0") in row[-2]
        assert ("passes" in row[-1] or "nothing to judge" in row[-1]) == line.passed


def test_a_rule_missed_by_a_hair_does_not_look_kept(context: ReportContext) -> None:
    assert context.gate is not None
    close = Estimate(value=0.93, low=0.79996, high=1.0)
    line = context.gate.lines[0].model_copy(
        update={"observed": close, "compared": 0.79996, "limit": 0.8, "required": "lower end >= 0.8", "passed": False}
    )
    verdict = context.gate.model_copy(update={"lines": (line,), "passed": False})
    shown = Page(render_report(replace(context, gate=verdict)))
    row = shown.table_with("Rule", "Observed", "Required", "Verdict")[1]
    assert ".79996" in row[-3]
    assert row[-2].endswith("≥ .80")


def test_the_verdict_above_is_the_gates(context: ReportContext) -> None:
    assert context.gate is not None
    lines = tuple(line.model_copy(update={"passed": True}) for line in context.gate.lines)
    passing = context.gate.model_copy(update={"passed": True, "lines": lines})
    failing = context.gate.model_copy(
        update={"passed": False, "lines": (lines[0].model_copy(update={"passed": False}), *lines[1:])}
    )
    verdict = {
        name: Page(render_report(replace(context, gate=gate))).sections["verdict"]
        for name, gate in (("passing", passing), ("failing", failing), ("none", None))
    }
    assert "Passes the gate" in verdict["passing"]
    assert f"all {len(lines)} rules hold" in verdict["passing"]
    assert "Does not pass the gate" in verdict["failing"]
    assert f"1 of {len(lines)} rules fail" in verdict["failing"]
    assert "Not judged" in verdict["none"]


def test_every_score_of_every_view_is_the_results_own(page: Page, context: ReportContext) -> None:
    table = page.table_with("Score", "One vote an image", "One vote a lesion", "Histology only")
    subsets = ["test", "test_lesion", "test_histology", "test_answered"]
    rows = {row[0].removesuffix(" (lower is better)"): row[1:] for row in table[1:]}
    for name, metric in METRICS.items():
        for cell, subset in zip(rows[metric.title], subsets, strict=True):
            assert shows(cell, context.results.subsets[subset].metrics[name]), (name, subset, cell)
    worse = {row[0] for row in table[1:] if row[0].endswith("(lower is better)")}
    assert len(worse) == sum(not metric.higher_is_better for metric in METRICS.values())


def test_classes_operating_points_and_subgroups_are_the_results_own(page: Page, context: ReportContext) -> None:
    scores = context.results.subsets["test"]
    classes = {row[0].strip(): row for row in page.table_with("Class", "Images", "Precision", "F1", "AUROC")[1:]}
    for code, found in scores.per_class.items():
        row = classes[code]
        assert int(row[1].replace(",", "")) == found.n_votes
        for cell, estimate in zip(row[-4:], (found.recall, found.precision, found.f1, found.auroc), strict=True):
            assert shows(cell, estimate), (code, row)
    points = page.table_with("Aimed at", "Threshold", "Sensitivity on test")[1:]
    for row, point, shipped in zip(points, scores.operating_points, context.results.operating_points, strict=True):
        assert float(row[1]) == pytest.approx(point.threshold, abs=6e-5)
        assert shows(row[2], shipped.sensitivity)
        assert shows(row[3], point.sensitivity)
        assert shows(row[4], point.specificity)
        assert shows(row[5], point.melanoma_sensitivity)
        assert row[6].split() == [str(point.false_negatives), "of", str(point.false_negatives + point.true_positives)]
    subgroups = {row[0].strip(): row for row in page.table_with("Subgroup", "Lesions (malignant)")[1:]}
    for level in context.results.subgroups["sex"]:
        row = subgroups[level.level]
        assert row[1] == f"{level.n_groups:,} ({level.n_malignant_groups:,})"
        assert shows(row[-1], level.metrics["balanced_accuracy"])


def test_malignant_classes_are_set_off_from_benign_ones(html: str, context: ReportContext) -> None:
    tones = dict(re.findall(r"<title>(\w+), recall: .*?<circle class=\"fill tone-(\w+)\"", html))
    for code in context.results.classes:
        assert tones[code] == ("warm" if code in context.results.malignant else "accent")


def test_the_confusion_matrix_holds_every_count(page: Page, html: str, context: ReportContext) -> None:
    matrix = context.results.subsets["test"].confusion
    said = set(re.findall(r"<title>(\w+) as (\w+): ([\d,]+) \(", html))
    for truth, row in zip(matrix.classes, matrix.counts, strict=True):
        for called, n in zip(matrix.classes, row, strict=True):
            assert (truth, called, f"{n:,}") in said
    assert f"commonest error: {max_error(matrix.counts):,} image" in page.sections["diagnoses"]


def max_error(counts: tuple[tuple[int, ...], ...]) -> int:
    return max(n for i, row in enumerate(counts) for j, n in enumerate(row) if i != j)


def test_a_subgroup_that_is_too_small_says_so_instead_of_a_score(page: Page, context: ReportContext) -> None:
    small = [x for levels in context.results.subgroups.values() for x in levels if x.status == "too_small"]
    assert small, "the sample must hold a small subgroup"
    rows = page.table_with("Subgroup", "Lesions (malignant)")[1:]
    assert sum("too small" in " ".join(row) for row in rows) == len(small)
    for level in small:
        row = next(row for row in rows if level.reason in " ".join(row))
        assert " ".join(row).count(str(level.reason)) == 1, "the reason is said once a row"
    for level in small:
        assert level.reason is not None
        assert level.reason in page.sections["subgroups"]


def test_balanced_accuracy_leads_and_accuracy_never_stands_alone(page: Page, context: ReportContext) -> None:
    verdict = page.sections["verdict"]
    names = ["Balanced accuracy", "AUROC, malignant", "Sensitivity, malignant", "Specificity", "Melanoma sensitivity"]
    places = [verdict.index(name) for name in names]
    assert places == sorted(places)
    matrix = context.results.subsets["test"].confusion
    common = max(sum(row) for row in matrix.counts) / sum(sum(row) for row in matrix.counts)
    assert re.search(
        rf"Plain accuracy: [^.]*\.\d+ .*calling every image .* would give {f'{common:.3f}'[1:]}\.", verdict
    )


def test_each_opening_of_the_test_part_is_printed(context: ReportContext) -> None:
    for openings, words in ((1, "test part opened once"), (4, "opened 4 times"), (None, "was not counted")):
        results = context.results.model_copy(update={"test_openings": openings})
        shown = " ".join(Page(render_report(replace(context, results=results))).sections[""].split())
        assert words in shown


def test_training_shows_whole_epochs_where_a_phase_began_and_which_was_kept(context: ReportContext) -> None:
    history = [e | {"validation_balanced_accuracy": 0.5 + e["epoch"] / 100} for e in context.history[1:4]]  # type: ignore[operator]
    curve = render_report(replace(context, history=history, best_epoch=3))
    charts = re.findall(r"<svg[^>]*><title>(?:Loss|Validation scores|Learning rate) by epoch.*?</svg>", curve)
    assert len(charts) == 3
    for chart in charts:
        base = max(float(y) for y in re.findall(r'class="t-tick" x="[\d.]+" y="([\d.]+)" text-anchor="middle"', chart))
        named = re.findall(rf'x="([\d.]+)" y="{base - 19:g}" text-anchor="middle">([^<]*)<', chart)
        assert [epoch for _, epoch in named] == ["1", "2", "3"]
        at = {epoch: x for x, epoch in named}
        lines = re.findall(r'class="reference" x1="([\d.]+)"', chart)
        assert lines == [at["2"], at["3"]], "all layers from epoch 2 on; epoch 3 was kept"
    assert "Epoch 3 was kept: balanced accuracy .530" in curve


def test_leakage_is_stated_as_it_was_measured(context: ReportContext) -> None:
    def leakage(proof: LeakageProof | None) -> str:
        return Page(render_report(replace(context, data=replace(context.data, leakage=proof)))).sections["leakage"]

    clean = leakage(LeakageProof(shared_groups=0, shared_lesions=0, shared_patients=0, random_leaked=0.387))
    assert "Nothing of the test part was trained on" in clean
    assert "38.7" in clean
    assert "Patients: not assessed" not in clean
    torn = leakage(LeakageProof(shared_groups=3))
    assert "3 groups stand on both sides" in torn
    assert "Nothing of the test part" not in torn
    unknown = leakage(None)
    assert "not assessed" in unknown
    assert "Nothing of the test part" not in unknown


def test_the_counter_example_says_how_large_its_test_part_was(context: ReportContext) -> None:
    for n, words in ((1502, "had 1,502 of all been drawn at random"), (None, "had the split been random by image")):
        proof = LeakageProof(shared_groups=0, random_test_images=n, random_leaked=0.387)
        shown = Page(render_report(replace(context, data=replace(context.data, leakage=proof)))).sections["leakage"]
        assert words in " ".join(shown.split())


def test_of_duplicates_only_what_was_looked_for_is_claimed(context: ReportContext) -> None:
    def said(merged: int | None, searched: tuple[str, ...]) -> str:
        data = replace(context.data, duplicates_merged=merged, duplicates_searched=searched)
        return " ".join(Page(render_report(replace(context, data=data))).sections["data"].split())

    nothing = said(None, ())
    assert "Whether there are duplicates across lesions was not assessed." in nothing
    assert "split off" not in nothing
    none = said(0, ("exact",))
    assert "No pair of duplicates across lesions was found. Looked for: exact copies." in none
    assert "split off" not in none
    some = said(3, ("published", "exact", "near"))
    assert "3 confirmed pairs of duplicates across lesions merged into groups, so that no copy of them is" in some
    assert "Looked for: pairs that others have published, exact copies and near-duplicates." in some


def test_the_day_is_that_of_the_evaluation_and_no_other(context: ReportContext) -> None:
    def head(at: datetime | None) -> str:
        provenance = context.results.provenance.model_copy(update={"evaluated_at": at})
        results = context.results.model_copy(update={"provenance": provenance})
        return " ".join(Page(render_report(replace(context, results=results))).sections[""].split())

    assert "Evaluated 2027-01-05;" in head(datetime(2027, 1, 5, tzinfo=UTC))
    unknown = head(None)
    assert "Evaluated on a day that was not recorded;" in unknown
    assert f"{context.manifest.created_at:%Y-%m-%d}" not in unknown


def test_cases_show_the_image_and_its_evidence(context: ReportContext) -> None:
    pixels, evidence = draw_lesion(5)
    case = Case("IMG_5", pixels, evidence, "mel", "nv", {"nv": 0.7, "mel": 0.3}, 0.31, "refer")
    shown = Page(render_report(replace(context, cases=[case])))
    image, overlay = images(shown)
    assert np.abs(image.astype(float) - pixels).mean() < 6
    strongest = np.unravel_index(np.argmax(evidence), evidence.shape)
    y, x = (int((k + 0.5) * n / m) for k, n, m in zip(strongest, pixels.shape[:2], evidence.shape, strict=True))
    changed = np.abs(overlay.astype(float) - image).sum(axis=2)
    assert changed[y, x] > 60, "the evidence colours where it is strongest"
    assert changed[2, 2] < 40, "and leaves the skin where there is none"
    text = " ".join(shown.sections["cases"].split())
    assert "in truth: Melanoma" in text
    assert "malignant called benign" in text
    assert "malignant .31" in text
    assert "IMG_5" in text


def test_a_case_without_evidence_is_shown_without(context: ReportContext) -> None:
    case = replace(context.cases[0], evidence=None)
    shown = Page(render_report(replace(context, cases=[case])))
    assert len(list(images(shown))) == 1
    assert "no evidence map" in shown.sections["cases"]


def test_many_cases_stay_within_three_megabytes_and_the_rest_is_counted(context: ReportContext, tmp_path: Path) -> None:
    large = [replace(c, pixels=draw_lesion(k, (450, 600))[0]) for k, c in enumerate(make_cases(context.results, 40))]
    path = tmp_path / "report.html"
    write_report(replace(context, cases=large), path)
    assert path.stat().st_size < 3_000_000
    assert path.read_text(encoding="utf-8").count("4 more not shown") == 2


def test_what_is_missing_is_called_not_assessed_and_breaks_nothing(context: ReportContext) -> None:
    results = empty_results(context.results)
    bare = ReportContext(manifest=make_manifest(results, data={}, backbone=None, libraries={}), results=results)
    text = Page(render_report(bare)).sections
    for section in ("gate", "data", "leakage", "training", "subgroups", "refusals", "cases"):
        assert "not assessed" in text[section].lower(), section
    assert "nothing can be said of" in text["verdict"]
    assert "not assessed: too few cases" in text["verdict"]
    assert "How many rows were left out was not recorded" in text["data"]
    assert "ROC curve not assessed" in text["malignancy"]
    assert not re.search(r"\b(nan|None)\b", " ".join(text.values()))
    for word in ("Independence of patients", "Skin types", "The gate", "Leakage", "Openings of the test part"):
        assert word in text["limits"]


def test_results_without_a_test_part_still_make_a_page(context: ReportContext) -> None:
    results = context.results.model_copy(update={"subsets": {}})
    text = Page(render_report(replace(context, results=results))).sections
    assert "has not been evaluated" in text["verdict"]


def empty_results(results: EvaluationResults) -> EvaluationResults:
    """The same results with every figure, curve and table gone."""

    def emptied(value: Any) -> Any:
        if isinstance(value, dict):
            if set(value) == {"value", "low", "high"}:
                return {"value": None, "low": None, "high": None}
            gone = {"malignant_roc", "roc", "malignant_precision_recall", "prediction_sets"}
            return {k: None if k in gone else emptied(v) for k, v in value.items()}
        return [emptied(v) for v in value] if isinstance(value, list) else value

    plain = emptied(results.model_dump(mode="json"))
    plain["subsets"] = {"test": plain["subsets"]["test"]}
    plain["subsets"]["test"] |= {"reliability": [], "malignant_reliability": [], "operating_points": []}
    plain["subsets"]["test"]["risk_coverage"] |= {"coverage": [], "risk": []}
    plain |= {"subgroups": {}, "refusals": None, "calibration": None, "sizes": {}, "operating_points": []}
    plain |= {"test_openings": None, "default_operating_point": None}
    return EvaluationResults.model_validate(plain)


def test_hostile_names_stay_text(context: ReportContext) -> None:
    evil = "<script>alert(1)</script>\"><img src=x onerror='alert(2)'>"
    results = EvaluationResults.from_json(
        context.results.to_json().replace('"vasc"', json.dumps(evil)).replace('"back"', json.dumps(evil))
    )
    case = replace(context.cases[0], image_id=evil, truth=evil, prediction=evil, verdict=evil)
    assert context.gate is not None
    lines = [line.model_copy(update={"rule": evil, "what": evil, "description": evil}) for line in context.gate.lines]
    hostile = replace(
        context,
        manifest=make_manifest(results, name=evil, licence=evil, backbone=evil, libraries={evil: evil}),
        results=results,
        gate=context.gate.model_copy(update={"policy": evil, "lines": tuple(lines)}),
        cases=[case],
        case_rule=evil,
        data=DataFacts(images={evil: {evil: 3}}, groups={evil: 2}, rejected={evil: 1}),
        history=[{"epoch": 0, "phase": evil, "train_loss": 1.0}, {"epoch": 1, "phase": "all", "train_loss": 0.5}],
        attributions=(evil,),
        record=replace(context.record, command=evil, settings=f"</pre>{evil}", machine=evil),
    )
    shown = Page(render_report(hostile))
    assert "script" not in {tag for tag, _ in shown.elements}
    for tag, attributes in shown.elements:
        assert not [name for name in attributes if name.startswith("on")], tag
        assert tag != "img" or (attributes.get("src") or "").startswith("data:image/")
    assert evil in shown.sections["provenance"]


def test_the_same_context_gives_the_same_page(context: ReportContext, html: str) -> None:
    assert render_report(context) == html
    assert render_report(make_context()) == html


def test_the_notice_stands_at_the_top_and_at_the_bottom(page: Page, html: str) -> None:
    places = [m.start() for m in re.finditer("Decision support, not", html)]
    assert places[0] < html.index('id="verdict"')
    assert places[-1] > html.index('id="provenance"')


def test_a_binary_task_leads_with_how_it_ranks(context: ReportContext) -> None:
    binary = make_context(task="malignancy")
    shown = Page(render_report(binary))
    verdict = shown.sections["verdict"]
    auroc = binary.results.subsets["test"].metrics["malignant_auroc"]
    assert f"{auroc.value:.3f}"[1:] in verdict
    assert verdict.index("AUROC, malignant") < verdict.index("Balanced accuracy")
    assert "diagnoses apart" not in verdict
    assert "Melanoma as a diagnosis" in shown.sections["limits"]


def test_every_chart_says_in_words_what_it_shows(page: Page) -> None:
    charts = [attributes for tag, attributes in page.elements if tag == "svg" and attributes.get("role") == "img"]
    titles = sum(tag == "title" for tag, _ in page.elements)
    assert len(charts) >= 8
    assert titles > len(charts)
    for tag, attributes in page.elements:
        if tag == "svg":
            assert attributes.get("role") == "img" or attributes.get("aria-hidden") == "true"


def test_writing_replaces_an_old_report_and_leaves_nothing_beside_it(context: ReportContext, tmp_path: Path) -> None:
    path = tmp_path / "new" / "report.html"
    path.parent.mkdir()
    path.write_text("old")
    write_report(context, path)
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert [p.name for p in path.parent.iterdir()] == ["report.html"]


@pytest.mark.parametrize("task", ["diagnosis", "malignancy"])
def test_in_a_browser_nothing_overflows_and_nothing_is_requested(tmp_path: Path, task: Any) -> None:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not CHROMIUM.exists():
        pytest.skip(f"there is no {CHROMIUM}")
    path = tmp_path / "report.html"
    write_report(make_context(task=task), path)
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"])
        tab = browser.new_page()
        asked: list[str] = []
        complaints: list[str] = []
        tab.on("request", lambda request: asked.append(request.url))
        tab.on("console", lambda message: complaints.append(message.text))
        for width in (320, 390, 768, 1280):
            tab.set_viewport_size({"width": width, "height": 900})
            tab.goto(path.as_uri())
            tab.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
            assert tab.evaluate("document.documentElement.scrollWidth") <= width
        assert tab.evaluate(MISPLACED_AXES) == []
        small = tab.evaluate(
            "[...document.querySelectorAll('svg')].filter(s => s.getBoundingClientRect().width < 60).length"
        )
        browser.close()
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert complaints == []
    assert small == tab_signs(path)


def test_in_a_browser_no_figure_of_a_class_is_cut_off_however_long(tmp_path: Path) -> None:
    """`1.000 (1.000 to 1.000)` in every column is as wide as it gets."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not CHROMIUM.exists():
        pytest.skip(f"there is no {CHROMIUM}")
    context = make_context()
    test = context.results.subsets["test"]
    full = Estimate(value=1.0, low=1.0, high=1.0)
    perfect = dict.fromkeys(("recall", "precision", "f1", "auroc"), full)
    classes = {code: found.model_copy(update=perfect) for code, found in test.per_class.items()}
    subsets = context.results.subsets | {"test": test.model_copy(update={"per_class": classes})}
    path = tmp_path / "report.html"
    write_report(replace(context, results=context.results.model_copy(update={"subsets": subsets})), path)
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"])
        tab = browser.new_page()
        tab.goto(path.as_uri())
        found = {}
        for width in (400, 1024, 1100, 1280, 1600):
            tab.set_viewport_size({"width": width, "height": 900})
            tables = "[...document.querySelectorAll('.table-scroll:has(table.forest)')]"
            found[width] = tab.evaluate(f"{tables}.map(t => t.scrollWidth - t.clientWidth)")
        browser.close()
    assert {width: sum(hidden) for width, hidden in found.items()} == dict.fromkeys(found, 0)
    assert len(found[1280]) >= 4


def tab_signs(path: Path) -> int:
    """The little signs of the verdicts, which are meant to be small."""
    return path.read_text(encoding="utf-8").count('viewBox="0 0 16 16"')


def images(page: Page) -> Iterator[np.ndarray]:
    for tag, attributes in page.elements:
        if tag == "img":
            data = (attributes["src"] or "").partition("base64,")[2]
            yield np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"))
