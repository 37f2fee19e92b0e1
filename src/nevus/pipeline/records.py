"""Completion records: `OUT/steps/NAME.json`, written last, says that a step is done, of what and how.

A step without a record isn't done, whatever files lie about. Beside it, `NAME.begun.json` says while a step runs which
inputs and settings its half-done files belong to.
"""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from pydantic import Field, ValidationError

from nevus.pipeline.artefacts import Artefact
from nevus.settings import Section, fingerprint

FOLDER: Final = "steps"
FORMAT_VERSION = 1


class Basis(Section):
    """What decides a step's result: the fingerprints of its inputs, and its settings.

    `inputs` holds the SHA-256 of each input artefact by the step's name for it, `external` what the step itself names.
    `settings` are the section without its neutral keys.
    """

    step: str
    inputs: dict[str, str] = Field(default_factory=dict)
    external: dict[str, str] = Field(default_factory=dict)
    settings: dict[str, Any] = Field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        """One hash for all of it."""
        return fingerprint(self)


class CompletionRecord(Section):
    """That a step is done. `code_revision` is stated, not compared: newer code doesn't undo what is done."""

    format_version: int = FORMAT_VERSION
    step: str
    basis: Basis
    basis_fingerprint: str
    settings_fingerprint: str
    code_revision: str
    passed: bool
    summary: dict[str, Any] = Field(default_factory=dict)
    notices: tuple[str, ...] = ()
    started_at: datetime
    finished_at: datetime
    seconds: float
    timings: dict[str, float] = Field(default_factory=dict)
    artefacts: dict[str, Artefact]
    """By the output's name; an optional one that the step left out is absent."""


class _Begun(Section):
    basis_fingerprint: str


def read_record(output: Path, step: str) -> CompletionRecord | None:
    """The completion record of a step; None if it isn't done, or if its record can't be read (which is the same)."""
    try:
        text = _path(output, step).read_text(encoding="utf-8")
        if json.loads(text).get("format_version") != FORMAT_VERSION:
            return None
        return CompletionRecord.model_validate_json(text)
    except (OSError, ValueError, AttributeError, ValidationError):
        return None


def write_record(output: Path, record: CompletionRecord) -> None:
    """Declare a step done: atomically, and on the disk before it's believed."""
    write_atomically(_path(output, record.step), record.model_dump_json(indent=1) + "\n")
    _begun_path(output, record.step).unlink(missing_ok=True)


def remove_record(output: Path, step: str) -> None:
    """Declare a step not done."""
    _path(output, step).unlink(missing_ok=True)


def mark_begun(output: Path, step: str, basis: Basis) -> None:
    """Note what the files that a step is about to write belong to."""
    note = _Begun(basis_fingerprint=basis.fingerprint)
    write_atomically(_begun_path(output, step), note.model_dump_json() + "\n")


def was_begun_on(output: Path, step: str, basis: Basis) -> bool:
    """Whether half-done files of this step, if there are any, come from the same inputs and settings."""
    try:
        text = _begun_path(output, step).read_text(encoding="utf-8")
        return _Begun.model_validate_json(text).basis_fingerprint == basis.fingerprint
    except (OSError, ValueError):
        return False


def write_atomically(path: Path, text: str) -> None:
    """Write a small file so that it is either there whole or not at all, even after a power cut."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    try:
        with partial.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise


def _path(output: Path, step: str) -> Path:
    return output / FOLDER / f"{step}.json"


def _begun_path(output: Path, step: str) -> Path:
    return output / FOLDER / f"{step}.begun.json"
