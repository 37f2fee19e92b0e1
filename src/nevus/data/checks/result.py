"""What a check found, and where it is written."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from pydantic import BaseModel

from nevus.data.manifest import write_manifest

REJECTED = "rejected.parquet"
FILES = "files.parquet"
SUMMARY = "check.json"


class CheckSummary(BaseModel):
    """The figures of a check."""

    images: int
    accepted: int
    rejected: int
    """Rows with a fault; those that the settings leave out aren't among them."""
    set_aside: int
    rejected_share: float
    max_rejected_share: float
    passed: bool
    reasons: dict[str, int]
    """Reason -> rows, most frequent first."""
    classes: dict[str, int]
    """Diagnosis -> accepted images."""
    lesions: dict[str, int]
    """Diagnosis -> accepted lesions (where a dataset has no lesion ids, each image is one)."""
    groups: int
    warnings: list[str]
    seconds: float


@dataclass(frozen=True)
class CheckResult:
    """The rows that are fit, those that aren't, and what reading the files told.

    Attributes:
        accepted: a manifest with `sha256, width, height` filled, sorted by dataset and image id.
        rejected: the manifest's columns, `reason` (the first that applies) and `detail` (all that apply).
        files: one row an accepted image: `dataset, image_id, channels`, and the columns of
            `nevus.data.checks.files.FACTS_SCHEMA`, among them `pixel_sha256` and the measures of quality.
        summary: the figures.
    """

    accepted: pl.DataFrame
    rejected: pl.DataFrame
    files: pl.DataFrame
    summary: CheckSummary

    @property
    def warnings(self) -> list[str]:
        """What deserves a word, though nothing was rejected for it."""
        return self.summary.warnings

    def write(self, folder: Path, *, manifest: str | None = "manifest.parquet") -> None:
        """Write the manifest (unless None), `rejected.parquet`, `files.parquet` and, last, `check.json`, atomically."""
        folder.mkdir(parents=True, exist_ok=True)
        for table, name in ((self.rejected, REJECTED), (self.files, FILES)):
            partial = folder / (name + ".partial")
            table.write_parquet(partial)
            partial.replace(folder / name)
        if manifest is not None:
            write_manifest(self.accepted, folder / manifest)
        partial = folder / (SUMMARY + ".partial")
        partial.write_text(json.dumps(self.summary.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n")
        partial.replace(folder / SUMMARY)
