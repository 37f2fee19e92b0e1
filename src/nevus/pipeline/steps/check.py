"""check: every row and file is judged; what can't be used is set aside with its reason."""

from __future__ import annotations

from pathlib import Path

from nevus.data.checks import check_manifest, require_usable
from nevus.data.manifest import content_fingerprint, read_manifest
from nevus.pipeline.progress import tell
from nevus.pipeline.settings import CheckSection
from nevus.pipeline.step import URI, Inputs, Outcome

MANIFEST = "manifest.parquet"
CHECKS = "checks"


def run(settings: CheckSection, inputs: Inputs, output: URI) -> Outcome:
    """Check the rows and files; groups are joined through confirmed duplicates."""
    folder = Path(output)
    table = read_manifest(Path(inputs["manifest"]))
    result = check_manifest(
        table,
        settings.data.check,
        lambda done, total: tell(done, total, "files"),
        classes=settings.data.classes,
    )
    result.write(folder / CHECKS, manifest=f"../{MANIFEST}")
    require_usable(result, task=settings.task, rejected_at=f"{CHECKS}/rejected.parquet")
    summary = {
        "images": result.accepted.height,
        "rejected": result.rejected.height,
        "groups": result.accepted["group_id"].n_unique(),
        "content_fingerprint": content_fingerprint(result.accepted),
    }
    return Outcome(summary=summary, notices=tuple(result.warnings))
