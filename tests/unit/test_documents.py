"""The documents hold: commands parse and cheap ones run, examples load, links lead somewhere, tables are complete."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
import yaml
from PIL import Image
from typer.testing import CliRunner

from documents import (
    DOCUMENTS,
    ROOT,
    Command,
    anchors,
    blocks,
    codes,
    commands,
    inline_commands,
    links,
    name_of,
    prose,
    tables,
)
from graphs import make_tiny_bundle
from nevus.bundle.runtimes.base import OUTPUTS
from nevus.bundle.selftest import draw_cases
from nevus.cli import app
from nevus.cli.data.options import load_data_settings
from nevus.data.fetch import PLANS
from nevus.data.sources import SOURCES
from nevus.data.sources.table import TAKEN
from nevus.evaluation.metrics import METRICS
from nevus.evaluation.policy import (
    CLASS_METRICS,
    OPERATING_POINT_METRICS,
    SUBGROUP_METRICS,
    Rule,
    load_policy,
    shipped_policies,
)
from nevus.pipeline import settings_reference
from nevus.pipeline.loading import load_settings
from nevus.pipeline.main_job import MAIN_JOB
from nevus.pipeline.settings import RunSettings
from nevus.pipeline.tune import TuneSettings
from nevus.taxonomy import DIAGNOSES, MALIGNANT

DOCS = ROOT / "docs"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
COMMANDS = [command for document in DOCUMENTS for command in commands(document)]
INLINE = [command for document in DOCUMENTS for command in inline_commands(document)]

NOT_RUN = {
    ("run",): "trains",
    ("step",): "needs a run",
    ("tune",): "trains",
    ("evaluate",): "needs a dataset",
    ("data", "fetch"): "downloads",
    ("data", "describe", "runs/lesions/manifest.parquet"): "needs a run",
    ("models", "show"): "needs a registered version",
    ("models", "approve"): "needs a registered version",
    ("models", "promote"): "needs a registered version",
    ("models", "add"): "needs a run; tests/e2e/test_faster_variant.py does it",
    ("models", "compare"): "needs registered versions",
    ("models", "rollback"): "needs registered versions",
    ("up",): "runs until it is stopped; tests/e2e/test_serve_command.py does it",
    ("serve",): "runs until it is stopped; tests/e2e/test_serve_command.py does it",
    ("console",): "runs until it is stopped; tests/e2e/test_console.py does it",
    ("bundle", "convert"): "takes long; tests/unit/bundle/test_conversion.py does it",
    ("bundle", "import"): "needs a model; tests/unit/bundle/test_foreign.py does it",
}
"""Documented commands that are parsed and not run, by their first words."""

MACHINE = re.compile(r"(?<![\w.:/@-])/(?:root|work|tmp|home/\w+|Users/\w+)/")
REGISTRY = re.compile(
    r"\b(?:pypi|pythonhosted|npmjs|anaconda)\.(?:org|com)\b|--(?:extra-)?index-url|https?://[^\s/]+/(?:simple|artifactory)\b"
)


def parse(words: tuple[str, ...]) -> tuple[list[str], dict[str, Any]]:
    """The command's names and its parameters, parsed as the command line does it, down to types and choices."""
    command: Any = typer.main.get_command(app)
    context = command.make_context("nevus", list(words))
    names: list[str] = []
    while hasattr(command, "resolve_command"):
        name, command, rest = command.resolve_command(context, [*context._protected_args, *context.args])
        names.append(name)
        context = command.make_context(name, rest, parent=context)
    return names, context.params


def of(program: str, among: list[Command] = COMMANDS) -> list[Any]:
    return [pytest.param(c, id=str(c)) for c in among if c.words[0] == program]


@pytest.fixture
def in_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    for name in ("NEVUS_BUNDLE", "NEVUS_HOME"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def clinic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with what the documents' commands speak of: bundles, images, a folder a diagnosis."""
    for run in ("demo", "ham10000"):
        make_tiny_bundle(tmp_path / "runs" / run / "bundle")
    cases = draw_cases(96, 128)
    (tmp_path / "images").mkdir()
    for number, pixels in enumerate(cases):
        Image.fromarray(pixels).save(tmp_path / "images" / f"{number}.jpg")
    Image.fromarray(cases[2]).save(tmp_path / "lesion.jpg")
    for code in ("mel", "nv"):
        (tmp_path / "lesions" / code).mkdir(parents=True)
        for number, shift in enumerate((0, 20, 40)):
            pixels = np.roll(cases[1 if code == "nv" else 2], shift, axis=1)
            Image.fromarray(pixels).save(tmp_path / "lesions" / code / f"{number}.jpg")
    monkeypatch.setenv("NEVUS_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_there_are_commands_to_check() -> None:
    assert {name_of(c.document) for c in COMMANDS} >= {"README.md", "CONTRIBUTING.md", "docs/getting-started.md"}
    expected = {("make", "demo"), ("make", "test"), ("nevus", "run"), ("nevus", "predict")}
    assert {c.words[:2] for c in COMMANDS} >= expected


def test_every_program_of_a_shell_block_is_one_that_is_checked_here() -> None:
    known = {"nevus", "make", "python", "pip", "pytest", "source", "pre-commit", "locust"}
    assert [str(c) for c in COMMANDS if c.words[0] not in known] == []


@pytest.mark.usefixtures("in_checkout")
@pytest.mark.parametrize("command", of("nevus"))
def test_the_command_line_takes_every_documented_command(command: Command) -> None:
    try:
        names, given = parse(command.words[1:])
    except typer.Exit:  # --help, --version
        return
    config = given.get("config")
    if config is not None and not str(config).startswith("configs/"):
        config = None  # the reader's own file
    if names == ["data", "check"]:
        load_data_settings(config, given["source"], given["root"], given["assignments"])
    elif "assignments" in given:
        model = TuneSettings if names == ["tune"] else RunSettings
        tree = load_settings(model, config, given["assignments"] or [], {})
        assert load_policy(tree.gate.policy).rules
    if names == ["step"]:
        assert MAIN_JOB.step(given["name"])
    if names == ["data", "fetch"]:
        assert given["name"] in PLANS


@pytest.mark.parametrize("command", of("nevus", INLINE))
def test_commands_within_sentences_exist_with_their_options(command: Command) -> None:
    found: Any = typer.main.get_command(app)
    words = list(command.words[1:])
    while words and hasattr(found, "resolve_command") and not words[0].startswith("-"):
        _, found, _ = found.resolve_command(found.context_class(found), [words.pop(0)])
    options = {option for parameter in found.params for option in parameter.opts} | {"--help"}
    assert {word for word in words if word.startswith("--")} <= options


@pytest.mark.parametrize("command", [*of("make"), *of("make", INLINE)])
def test_make_has_every_documented_target_and_variable(command: Command) -> None:
    text = (ROOT / "Makefile").read_text()
    for word in command.words[1:]:
        head = rf"^{word.split('=')[0]} [?:]?=" if "=" in word else rf"^{word}:"
        assert re.search(head, text, re.MULTILINE), word


@pytest.mark.parametrize("command", of("python"))
def test_benchmarks_have_every_documented_option(command: Command) -> None:
    script = ROOT / command.words[1]
    tree = ast.parse(script.read_text())
    known = {
        node.args[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "add_argument"
        if isinstance(node.args[0], ast.Constant)
    }
    assert {word for word in command.words if word.startswith("--")} <= known


def test_every_benchmark_is_in_the_readme_or_a_document() -> None:
    named = {word for c in COMMANDS for word in c.words}
    commands_ = [path for path in (ROOT / "benchmarks").glob("*.py") if "__main__" in path.read_text("utf-8")]
    assert {name_of(path) for path in commands_} <= named


@pytest.mark.parametrize("command", of("pip"))
def test_extras_that_are_installed_exist(command: Command) -> None:
    assert command.words[1] == "install"
    for extras in re.findall(r"\[([^\]]+)\]", " ".join(command.words)):
        assert set(extras.split(",")) <= set(PROJECT["project"]["optional-dependencies"])


@pytest.mark.parametrize("command", [pytest.param(c, id=str(c)) for c in COMMANDS])
def test_files_of_the_repository_that_a_command_names_exist(command: Command) -> None:
    named = [word.split("=")[-1] for word in command.words]
    ours = [word for word in named if re.match(r"(?:configs|policies|benchmarks|docs|tests)/", word)]
    assert [word for word in ours if not (ROOT / word).exists()] == []


def test_what_is_not_run_is_documented() -> None:
    documented = [c.words[1:] for c in COMMANDS if c.words[0] == "nevus"]
    assert [words for words in NOT_RUN if not any(d[: len(words)] == words for d in documented)] == []


@pytest.mark.parametrize(
    "document", [d for d in DOCUMENTS if any(c.words[0] == "nevus" for c in commands(d))], ids=name_of
)
def test_the_cheap_commands_of_a_document_run_one_after_the_other(document: Path, clinic: Path) -> None:
    for command in commands(document):
        words = command.words[1:]
        if command.words[0] != "nevus" or any(words[: len(start)] == start for start in NOT_RUN):
            continue
        result = CliRunner().invoke(app, list(words))
        assert result.exit_code == 0, f"{command}\n{result.output}"


NEEDS_A_SERVICE = DOCS / "client.md"  # tests/e2e/test_client_page.py runs it


@pytest.mark.parametrize(
    "document", [d for d in DOCUMENTS if blocks(d, "python") and d != NEEDS_A_SERVICE], ids=name_of
)
def test_the_python_of_a_document_runs(document: Path, clinic: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {}
    for block in blocks(document, "python"):
        exec(compile("\n" * (block.line - 1) + block.text, name_of(document), "exec"), names)
    assert "mel" in capsys.readouterr().out


def test_a_predictor_written_after_the_document_agrees_with_ours(clinic: Path) -> None:
    from nevus.bundle import Prediction, Predictor

    # Smaller than twice the frame: a larger JPEG is decoded at half its size by ours, as the document says.
    Image.fromarray(draw_cases(90, 120)[2]).save("lesion.jpg")
    names: dict[str, Any] = {}
    exec(blocks(DOCS / "bundle.md", "python")[0].text, names)
    with Predictor(clinic / "runs" / "demo" / "bundle") as predictor:
        (answer,) = predictor.predict(["lesion.jpg"])
    assert isinstance(answer, Prediction)
    assert answer.probabilities is not None
    assert names["probabilities"] == pytest.approx(answer.probabilities, abs=1e-5)
    assert names["p_malignant"] == pytest.approx(answer.p_malignant, abs=1e-5)


@pytest.mark.parametrize(
    "block", [pytest.param(b, id=f"{name_of(d)}:{b.line}") for d in DOCUMENTS for b in blocks(d, "yaml")]
)
def test_the_yaml_of_a_document_loads(block: Any, tmp_path: Path) -> None:
    path = tmp_path / "example.yaml"
    path.write_text(block.text)
    if "rules" in yaml.safe_load(block.text):
        assert load_policy(path).rules
    else:
        assert load_policy(load_settings(RunSettings, path, [], {}).gate.policy).rules


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_relative_links_lead_to_a_file_and_a_heading_of_it(document: Path) -> None:
    for link in links(document):
        if re.match(r"\w+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        assert target.is_file(), link
        assert not anchor or anchor in anchors(target), link


def test_the_settings_reference_is_that_of_the_code() -> None:
    assert (DOCS / "settings.md").read_text(encoding="utf-8") == settings_reference.render(), "run `make docs`"


def test_the_decisions_are_numbered_and_listed() -> None:
    pages = sorted(path.name for path in (DOCS / "decisions").glob("*.md"))
    assert [page[:4] for page in pages] == [f"{number:04d}" for number in range(1, len(pages) + 1)]
    assert links(DOCS / "decisions" / pages[0]) == pages[1:]
    for page in pages:
        text = (DOCS / "decisions" / page).read_text()
        assert text.startswith(f"# {int(page[:4])}. ")
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences"]


def test_the_page_about_policies_names_every_key_metric_and_policy() -> None:
    page = DOCS / "policies.md"
    (keys,) = tables(page, "Write one")
    assert [codes(row[0])[0] for row in keys] == [field.alias or name for name, field in _rule_fields()]
    (metrics,) = tables(page, "Metrics")
    assert sorted(name for row in metrics for name in codes(row[0])) == sorted(METRICS)
    assert {*OPERATING_POINT_METRICS, *CLASS_METRICS, *SUBGROUP_METRICS} <= set(codes(prose(page)))
    (shipped,) = tables(page, "Policies")
    assert {codes(row[0])[0] for row in shipped} == set(shipped_policies())


def _rule_fields() -> list[tuple[str, Any]]:
    """In the order of the page: the two that are one of each other last."""
    order = ["id", "description", "metric", "subset", "operating_point", "class_code", "scope", "dimensions"]
    order += ["min_malignant_groups", "min_shared_groups", "bound", "comparison", "threshold", "champion_margin"]
    assert set(order) == set(Rule.model_fields)
    return [(name, Rule.model_fields[name]) for name in order]


def test_the_page_about_data_names_every_column_diagnosis_and_source() -> None:
    page = DOCS / "your-own-data.md"
    columns, diagnoses = tables(page, "What a row may say")
    assert {name for row in columns for name in codes(row[0])} == set(TAKEN)
    assert {codes(row[0])[0] for row in diagnoses} == set(DIAGNOSES)
    assert {codes(row[0])[0] for row in diagnoses if row[2] == "yes"} == MALIGNANT
    text = page.read_text()
    assert [name for name in SOURCES if not re.search(rf"`{name}`|source: {name}\b|data synth", text)] == []


def test_the_page_about_bundles_names_every_output() -> None:
    _, outputs = tables(DOCS / "bundle.md", "The graph")
    assert [codes(row[0])[0] for row in outputs] == list(OUTPUTS)


def test_the_guide_names_every_step_with_its_outputs_and_every_extra() -> None:
    page = DOCS / "getting-started.md"
    (steps,) = tables(page, "What the demo did")
    assert [row[0] for row in steps] == [step.name for step in MAIN_JOB.ordered()]
    for row in steps:
        step = MAIN_JOB.step(row[0])
        assert {name.rstrip("/") for name in codes(row[2])} == {*step.outputs.values(), *step.scratch}
    (extras,) = tables(page, "Install")
    named = {code for row in extras for code in codes(row[0])}
    assert named == set(PROJECT["project"]["optional-dependencies"]) - {"dev"}


def test_the_contributors_page_has_the_layers_that_are_enforced() -> None:
    layers = PROJECT["tool"]["importlinter"]["contracts"][0]["layers"]
    (floors,) = tables(ROOT / "CONTRIBUTING.md", "The house")
    shown = [{re.sub(r"/|\.py", "", code) for code in codes(row[1])} for row in floors]
    assert shown == [
        {name.strip(" ()").removeprefix("nevus.") for name in re.split(r"[|:]", layer)} for layer in layers
    ]


def test_the_citation_has_what_the_format_requires_and_the_projects_version() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["cff-version"] == "1.2.0"
    assert citation["message"]
    assert citation["title"] == "nevus"
    assert all("name" in author or "family-names" in author for author in citation["authors"])
    assert citation["version"] == PROJECT["project"]["version"]
    assert citation["license"] == PROJECT["project"]["license"]


def test_the_changelog_has_the_projects_version_or_says_that_it_will() -> None:
    text = (ROOT / "CHANGELOG.md").read_text()
    version = PROJECT["project"]["version"]
    heads = re.findall(r"^## \[([^\]]+)\](?: - (\d{4}-\d\d-\d\d))?$", text, re.MULTILINE)
    assert heads[0] == ("Unreleased", "")
    assert all(date for _, date in heads[1:])
    assert version in dict(heads) or f"become {version}" in text
    kinds = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert set(re.findall(r"^### (.+)$", text, re.MULTILINE)) <= kinds


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout, so it can't be told which files are tracked")
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


@pytest.mark.parametrize(("what", "pattern"), [("a machine's path", MACHINE), ("a registry", REGISTRY)])
def test_no_tracked_text_names_a_machine_or_a_registry(what: str, pattern: re.Pattern[str]) -> None:
    found = []
    for path in tracked():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{name_of(path)}: {m[0]}" for m in pattern.finditer(text)]
    assert found == [], f"{what} is named"


@pytest.mark.parametrize("text", ["see /" + "home/anna/x", "(/" + "tmp/x)", "/" + "work/main/y", "at '/" + "root/z'"])
def test_the_search_for_a_machines_paths_finds_them(text: str) -> None:
    assert MACHINE.search(text)


@pytest.mark.parametrize("text", ["https://py" + "pi.org/p", "--index" + "-url x", "http://10.0.0.1/" + "simple/"])
def test_the_search_for_registries_finds_them(text: str) -> None:
    assert REGISTRY.search(text)


def test_no_dataset_image_is_tracked_and_pictures_are_small() -> None:
    pictures = [path for path in tracked() if path.suffix.lower() in (".jpg", ".jpeg", ".png", ".gif", ".webp")]
    drawn = {"src/nevus/console/mark.png"}  # the console's icon
    assert {name_of(path) for path in pictures if path.parent != DOCS / "images"} == drawn
    assert [name_of(path) for path in pictures if path.stat().st_size >= 300_000] == []
