"""Where model and figures came from: enough to find them again and to make them again."""

from __future__ import annotations

from dataclasses import dataclass

from nevus.reporting.report.context import ReportContext
from nevus.reporting.report.wording import PARTS, several

NOT_RECORDED = "not recorded"


@dataclass(frozen=True)
class ProvenanceSection:
    """Facts are (name, value, whether it's an identifier); libraries are (name, version)."""

    facts: list[tuple[str, str, bool]]
    libraries: list[tuple[str, str]]
    settings: str | None
    command: str | None


def describe_provenance(context: ReportContext) -> ProvenanceSection:
    """The provenance's section."""
    manifest, found, record = context.manifest, context.results.provenance, context.record
    bootstrap = context.results.bootstrap
    facts = [
        ("Model", manifest.name, False),
        ("Made at", f"{manifest.created_at:%Y-%m-%d %H:%M %Z}".strip(), False),
        ("Evaluated at", f"{found.evaluated_at:%Y-%m-%d %H:%M %Z}".strip() if found.evaluated_at else None, False),
        ("Backbone", manifest.backbone, False),
        ("Input", f"{manifest.input.width} × {manifest.input.height} pixels, {manifest.input.rule}", False),
        ("Runs on", f"{manifest.runtime.engine}, {manifest.runtime.precision}", False),
        ("Bundle digest", record.bundle_digest or found.bundle_digest, True),
        ("Data fingerprint", found.content_fingerprint or manifest.fingerprints.content, True),
        ("Split fingerprint", found.split_fingerprint or manifest.fingerprints.split, True),
        ("Settings fingerprint", found.settings_fingerprint or manifest.fingerprints.settings, True),
        ("Code revision", manifest.code_revision or found.code_revision, True),
        ("Tracked run", record.run, False),
        ("Machine", record.machine, False),
        ("Test part opened", None if context.openings is None else several(context.openings, "time"), False),
        (
            "Intervals",
            f"{bootstrap.level * 100:g} %, percentiles over {several(bootstrap.replicates, 'resample')} of whole "
            f"groups, seed {bootstrap.seed}",
            False,
        ),
        ("Time taken", _times(context), False),
    ]
    return ProvenanceSection(
        [(name, value or NOT_RECORDED, exact and bool(value)) for name, value, exact in facts],
        sorted(manifest.libraries.items()),
        record.settings,
        record.command,
    )


def _times(context: ReportContext) -> str | None:
    return "; ".join(f"{PARTS.get(n, n).lower()} {_time(s)}" for n, s in context.record.seconds.items()) or None


def _time(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
