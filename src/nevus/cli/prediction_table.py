"""Predictions as a table for people."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from nevus.bundle import NOTICE, BundleManifest, Failure, Prediction
from nevus.bundle.verdict import default_operating_point
from nevus.taxonomy import class_name

_STYLES = {"low_suspicion": "green", "suspicious": "bold red", "refer": "yellow", "unusable": "magenta"}
_SHOWN = 3
_NAME_WIDTH = 24


def print_predictions(answers: Sequence[Prediction | Failure], manifest: BundleManifest, digest: str) -> None:
    """Print a table, which model judged by which operating point, and that this isn't a diagnosis."""
    table = Table(show_lines=True)
    names = _short_names([answer.path or "" for answer in answers])
    table.add_column("image", overflow="fold", min_width=min(_NAME_WIDTH, max(map(len, names))))
    for title in ("diagnosis", "probabilities", "malignant", "verdict and reasons"):
        table.add_column(title, overflow="fold")
    for name, answer in zip(names, answers, strict=True):
        table.add_row(escape(name), *(_failure(answer) if isinstance(answer, Failure) else _prediction(answer)))
    console = Console()
    console.print(table)
    console.print(_model_line(manifest, digest), markup=False, highlight=False)
    console.print(NOTICE, style="bold")


def _prediction(answer: Prediction) -> tuple[str, str, str, str]:
    style = _STYLES[answer.verdict]
    verdict = f"[{style}]{_words(answer.verdict)}[/]"
    if answer.reasons:
        verdict += "\n" + ", ".join(map(_words, answer.reasons))
    if answer.notes:
        verdict += "\n[dim]" + ", ".join(map(_words, answer.notes)) + "[/]"
    if answer.probabilities is None or answer.diagnosis is None or answer.p_malignant is None:
        return "-", "-", "-", verdict
    best = sorted(answer.probabilities.items(), key=lambda item: -item[1])[:_SHOWN]
    cells = (
        escape(class_name(answer.diagnosis)),
        "\n".join(f"{escape(code)} {p:.3f}" for code, p in best),
        f"{answer.p_malignant:.3f}",
    )
    if answer.reliable:
        return *cells, verdict
    diagnosis, probabilities, malignant = (f"[dim]{cell}[/]" for cell in cells)
    return diagnosis, f"{probabilities}\n[dim italic]not reliable[/]", malignant, verdict


def _failure(answer: Failure) -> tuple[str, str, str, str]:
    message = escape(answer.error.removeprefix(f"{answer.path}: "))
    return "-", "-", "-", f"[bold red]unreadable[/] ({_words(answer.reason)})\n{message}"


def _model_line(manifest: BundleManifest, digest: str) -> str:
    line = f"model {manifest.name}, bundle {digest[:12]}"
    point = default_operating_point(manifest)
    if point is not None:
        line += f", suspicious from {point.threshold:.3f} malignant probability ({_words(point.name)})"
    return line


def _short_names(paths: Sequence[str]) -> list[str]:
    """File names where they tell the images apart, else the paths."""
    names = [Path(path).name for path in paths]
    return names if len(set(names)) == len(set(paths)) else list(paths)


def _words(code: str) -> str:
    return code.replace("_", " ")
