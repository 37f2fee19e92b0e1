"""Model versions for people, as tables, and for programs, as JSON."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from nevus.bundle.verdict import NOTICE
from nevus.evaluation.metrics import METRICS
from nevus.store import AuditEntry, Change, ModelVersion, State

if TYPE_CHECKING:
    from nevus.store.registry.comparison import VersionComparison

_STYLES = {
    State.CHAMPION: "bold green",
    State.CHALLENGER: "cyan",
    State.APPROVED: "green",
    State.CANDIDATE: "yellow",
    State.REJECTED: "red",
    State.RETIRED: "dim",
}
_OWN_TITLES = {
    "malignant_sensitivity": "Sensitivity, malignant",
    "malignant_specificity": "Specificity, malignant",
}
_DIGEST = re.compile(r"\b[0-9a-f]{64}\b")
_LISTED = ("balanced_accuracy", "malignant_auroc", "malignant_sensitivity")


def print_versions(versions: Sequence[ModelVersion]) -> None:
    """One line a version."""
    table = Table(box=SIMPLE, padding=(0, 1, 0, 0))
    table.add_column("version", overflow="fold")
    for name in ("state", "bundle", "BACC", "AUROC", "sens.", "registered"):
        table.add_column(name, no_wrap=True)
    table.add_column("approved by", overflow="fold")
    for version in versions:
        table.add_row(
            escape(version.ref),
            _state(version.state),
            version.bundle_digest[:10],
            *(_number(_part(version.metrics.get(name), "value")) for name in _LISTED),
            f"{version.created_at.astimezone():%Y-%m-%d}",
            escape(version.approval.by) if version.approval else "-",
        )
    console = Console()
    console.print(table)
    console.print(
        "Scores on the test part of each version's own split; AUROC and sensitivity are of malignancy.", style="dim"
    )


def print_version(version: ModelVersion, history: Sequence[AuditEntry]) -> None:
    """Everything about a version."""
    console = Console()
    facts = Table(show_header=False, box=None, pad_edge=False)
    facts.add_column(style="dim", no_wrap=True)
    facts.add_column(overflow="fold")
    for name, text in _facts(version):
        facts.add_row(name, text)
    console.print(f"[bold]{escape(version.ref)}[/]  {_state(version.state)}")
    console.print(facts)
    if version.metrics:
        scores = Table("score on its test part", "value", "95 % interval")
        for name, found in version.metrics.items():
            scores.add_row(_title(name), _number(_part(found, "value")), _interval(found))
        console.print(scores)
    lines = version.gate.get("lines") or ()
    if lines:
        gate = Table("", "gate rule", "required", "found", title=f"policy {escape(str(version.gate.get('policy')))}")
        for line in lines:
            mark = "[green]passed[/]" if line.get("passed") else "[bold red]failed[/]"
            gate.add_row(mark, *(escape(str(line.get(key, ""))) for key in ("rule", "required", "explanation")))
        console.print(gate)
    print_history(history)
    console.print(NOTICE, style="bold")


def print_history(entries: Sequence[AuditEntry]) -> None:
    """Rows of the audit."""
    table = Table(box=SIMPLE, padding=(0, 1, 0, 0))
    for name in ("no.", "when"):
        table.add_column(name, no_wrap=True)
    for name in ("who", "what", "details"):
        table.add_column(name, overflow="fold")
    for entry in entries:
        table.add_row(
            str(entry.sequence),
            _moment(entry.at),
            escape(entry.actor),
            escape(f"{entry.action} {_short(entry.subject)}"),
            escape(_details(entry.details)),
        )
    Console().print(table)


def print_comparison(found: VersionComparison) -> None:
    """Both versions' scores, their difference, and whether it is one."""
    scores = found.scores
    table = Table("score", scores.candidate, scores.champion, "difference (95 % interval)", "", box=SIMPLE)
    for name, row in scores.metrics.items():
        low, high = row.difference.low, row.difference.high
        apart = low is not None and high is not None and (low > 0 or high < 0)
        better = scores.candidate if (row.difference.value or 0) > 0 else scores.champion
        table.add_row(
            _title(name),
            _number(row.candidate),
            _number(row.champion),
            f"{_number(row.difference.value, sign=True)} ({_number(low, sign=True)} to {_number(high, sign=True)})",
            f"[bold]{escape(better)} is better[/]" if apart else "[dim]not told apart[/]",
        )
    console = Console()
    console.print(table)
    console.print(
        f"{scores.n_images} test images of {scores.n_groups} patients or lesions; paired bootstrap by group, "
        f"{scores.bootstrap.replicates} resamples. Sensitivity and specificity at each version's own operating point.",
        style="dim",
    )
    for note in found.notes:
        console.print(f"note: {note}", markup=False, highlight=False)
    console.print(NOTICE, style="bold")


def version_record(version: ModelVersion) -> dict[str, Any]:
    """A version as JSON can hold it."""
    return {"ref": version.ref, **_plain(asdict(version))}


def change_record(change: Change) -> dict[str, Any]:
    """A change as JSON can hold it."""
    return {
        "version": version_record(change.version),
        "replaced": version_record(change.replaced) if change.replaced else None,
        "warnings": list(change.warnings),
    }


def entry_record(entry: AuditEntry) -> dict[str, Any]:
    """A row of the audit as JSON can hold it."""
    found: dict[str, Any] = _plain(asdict(entry))
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value.isoformat() if isinstance(value, datetime) else value


def _facts(version: ModelVersion) -> list[tuple[str, str]]:
    commercial = "commercial use allowed" if version.commercial_use else "no commercial use"
    threshold = version.operating_threshold
    facts = [
        ("bundle", version.bundle_uri),
        ("digest", version.bundle_digest),
        ("task", f"{version.task}: {', '.join(version.classes)} (malignant: {', '.join(version.malignant)})"),
        ("threshold", "none" if threshold is None else f"malignant probability >= {threshold:.4f}"),
        ("licence", f"{version.licence}, {commercial}"),
        ("run", version.run or "-"),
        ("predictions", version.predictions_uri or "-"),
        ("registered", _moment(version.created_at)),
    ]
    facts += [(f"{name} id", text) for name, text in version.fingerprints.items() if text]
    if version.approval:
        facts.append(("approved", f"{version.approval.by}, {_moment(version.approval.at)}: {version.approval.note}"))
        if version.approval.override:
            facts.append(("override", version.approval.override))
    facts += [("rejected for", reason) for reason in version.reasons]
    return [(name, escape(text)) for name, text in facts]


def _state(state: State) -> str:
    return f"[{_STYLES[state]}]{state.value}[/]"


def _title(name: str) -> str:
    metric = METRICS.get(name)
    return metric.title if metric else _OWN_TITLES.get(name, name)


def _part(found: Any, name: str) -> float | None:
    return found.get(name) if isinstance(found, Mapping) else (found if name == "value" else None)


def _interval(found: Any) -> str:
    low, high = _part(found, "low"), _part(found, "high")
    return "-" if low is None or high is None else f"{_number(low)} to {_number(high)}"


def _number(value: float | None, *, sign: bool = False) -> str:
    if value is None:
        return "-"
    return f"{value:+.3f}" if sign else f"{value:.3f}"


def _moment(at: datetime) -> str:
    return f"{at.astimezone():%Y-%m-%d %H:%M}"


def _details(details: Mapping[str, Any]) -> str:
    """The short part of what a row says: from which state to which, and words; digests cut, no nested values."""
    said = []
    if "to" in details:
        said.append(f"{details['from']} → {details['to']}" if "from" in details else f"→ {details['to']}")
    for key, value in details.items():
        if key not in ("from", "to", "bundle_uri") and isinstance(value, str | int | float) and value != "":
            said.append(f"{key.replace('_', ' ')}: {_short(str(value))}")
    return "; ".join(said)


def _short(text: str) -> str:
    """A digest by its first twelve characters; anything else as it is."""
    return _DIGEST.sub(lambda found: found.group()[:12], text)
