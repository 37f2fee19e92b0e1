"""The runs that the store knows: their folders, what they were registered as, and what a tracker keeps of them."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session
from upath import UPath

from nevus.errors import require
from nevus.store.erasure.patient import Patient
from nevus.store.erasure.run_folder import Seen, clear, look
from nevus.store.tables import OpeningRow, VersionRow

_TABLES = ("manifest.parquet", "ingested.parquet")
TRACKED, CACHE = "mlflow-artefacts", "cache/prepared"
"""Below the home folder."""


@dataclass(frozen=True)
class Run:
    """A run's folder with what it holds of the patient, the versions made there and their runs of the tracker."""

    seen: Seen
    versions: tuple[str, ...]
    tracked: tuple[str, ...]


@dataclass(frozen=True)
class Runs:
    """The runs that hold the patient, and the places that can't be looked at from here."""

    held: tuple[Run, ...] = ()
    unreachable: tuple[str, ...] = ()
    """Their addresses, with why where it is known."""


def find_runs(session: Session, patient: Patient) -> Runs:
    """Look through the folders that versions and openings of test parts name."""
    folders: dict[str, list[VersionRow]] = {}
    for version in session.scalars(sa.select(VersionRow).order_by(VersionRow.model, VersionRow.number)):
        for place in {version.run, _parent(version.bundle_uri)} - {None}:
            folders.setdefault(str(place), []).append(version)
    for place in session.scalars(sa.select(OpeningRow.run).distinct()):
        folders.setdefault(place, [])
    held, unreachable = [], []
    for place, versions in sorted(folders.items()):
        try:
            folder = _folder(place)
            seen = look(folder, patient.key) if folder is not None and _is_run(folder) else None
        except Exception as error:  # each object store's library has errors of its own
            if "://" not in place:
                raise
            unreachable.append(f"{place} ({type(error).__name__}: {error})")
            continue
        if folder is None:
            unreachable.append(place)
        elif seen is not None:
            refs = tuple(f"{version.model}/{version.number}" for version in versions)
            held.append(Run(seen, refs, tuple(v.tracking_run for v in versions if v.tracking_run)))
    return Runs(tuple(held), tuple(unreachable))


def _folder(place: str) -> UPath | None:
    """None where there is no such folder here. An address is one of an object store, which has no folders."""
    if "://" in place:
        if place.startswith("s3://"):
            require("s3fs", "s3")
        return UPath(place)
    return UPath(place) if Path(place).is_dir() else None


def _is_run(folder: UPath) -> bool:
    if not isinstance(folder, Path):
        folder.fs.invalidate_cache()
        folder.fs.ls(folder.path.partition("/")[0])  # a bucket that can't be looked into is no empty one
    return any((folder / name).is_file() for name in _TABLES)


def tracked_pages(home: Path, run: Run) -> list[Path]:
    """The pages that the home folder's own tracker keeps of a run."""
    folder = home / TRACKED
    return [page for tracked in run.tracked for page in folder.glob(f"**/{tracked}/artifacts/**/*.html")]


def clear_run(home: Path, run: Run, patient: Patient) -> None:
    """Delete what is made of images, then the rows."""
    for page in tracked_pages(home, run):
        page.unlink(missing_ok=True)
    shutil.rmtree(home / CACHE, ignore_errors=True)
    clear(run.seen, patient.key)


def _parent(uri: str) -> str | None:
    """Where a bundle's run would be; None for a whole bucket."""
    if "://" not in uri:
        return str(Path(uri).parent)
    scheme, _, path = uri.partition("://")
    above = path.rstrip("/").rpartition("/")[0]
    return f"{scheme}://{above}" if above else None
