"""Erase a patient: every place of the inventory, one after the other, and an entry in the audit that holds no key."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from nevus.store import audit
from nevus.store.actor import current_actor
from nevus.store.blobs.port import BlobStore
from nevus.store.database import Store
from nevus.store.engine import hold_appends
from nevus.store.erasure.patient import PREFIX, Line, Patient
from nevus.store.erasure.rows import row_places
from nevus.store.erasure.runs import Run, clear_run, find_runs, tracked_pages
from nevus.store.picture_place import require_place
from nevus.store.pseudonyms import Pseudonyms, plain_key
from nevus.store.serving_tables import PredictionRow

ACTION = "patient.erased"


_LOGGED = (
    "the database's log (nevus.db-wal) is in use and may hold erased rows until it is written anew: erase once more in "
    "a moment"
)


@dataclass(frozen=True)
class Erased:
    """What was found (and, but for a dry run, erased) by place; which versions had seen the patient; what is left."""

    subject: str
    lines: tuple[Line, ...]
    trained_on: tuple[str, ...]
    notes: tuple[str, ...]
    tracked: tuple[str, ...] = ()
    """The tracker's runs of the runs that held the patient. Here only those pages go that lie in the home folder."""

    @property
    def items(self) -> int:
        """Of all places together."""
        return sum(line.items for line in self.lines)


def erase_patient(
    store: Store,
    blobs: BlobStore,
    pseudonyms: Pseudonyms,
    key: str,
    *,
    home: Path,
    dry_run: bool = False,
    by: str | None = None,
) -> Erased:
    """Erase a patient from all places that nevus keeps.

    Files go first, rows last and all at once with the entry in the audit: whatever moment a kill comes at, a repetition
    finds the rest. Bundles that had seen the patient stay and are named.

    What was answered when this begins goes, with the shadows of it that a service still has to judge. A request that is
    under way then is answered afterwards, and is a new one: of a patient who is still being sent, erase again.

    Args:
        store, blobs: the database and the pictures.
        pseudonyms: under whose secret the rows know the patient.
        key: the plain key.
        home: the home folder, for what a tracker and a cache keep there.
        dry_run: only find.
        by: who asked for it.

    Raises:
        PicturePlaceError: the pictures lie in another place than `blobs`; nothing was erased.
        BlobsError: the pictures can't be reached; no row went.
    """
    require_place(store, blobs)
    patient = Patient(plain_key(key), pseudonyms.patient(key))
    subject = f"patient:{patient.hash[:PREFIX]}"
    with store.read() as session:
        runs = find_runs(session, patient)
        found = [place.find(session, patient) for place in row_places(blobs)]
    lines = [line for run in runs.held for line in _lines(home, run)]
    trained = tuple(dict.fromkeys(_told(ref, run) for run in runs.held for ref in run.versions))
    tracked = tuple(dict.fromkeys(run_id for run in runs.held for run_id in run.tracked))
    notes = [f"{place} can't be looked at from here" for place in runs.unreachable]
    for run in runs.held:
        notes += _notes(run, patient)
    if dry_run:
        return Erased(subject, (*found, *lines), trained, tuple(notes), tracked)
    for run in runs.held:
        clear_run(home, run, patient)
    with store.write() as session:
        hold_appends(session.connection(), PredictionRow.__tablename__)  # each place looks for the rows anew
        found = [place.erase(session, patient) for place in row_places(blobs)]
        erased = Erased(subject, (*found, *lines), trained, tuple(notes), tracked)
        counts: dict[str, int] = {}
        for line in erased.lines:
            counts[line.place] = counts.get(line.place, 0) + line.items
        details = {"counts": counts, "runs": len(runs.held), "trained_on": list(trained)}
        audit.record(session, actor=by or current_actor(), action=ACTION, subject=subject, details=details)
    if not store.empty_log():
        return replace(erased, notes=(*erased.notes, _LOGGED))
    return erased


def _lines(home: Path, run: Run) -> list[Line]:
    seen = run.seen
    where = str(seen.folder)
    made = ", ".join(sorted(path.name for path in seen.pages))
    return [
        Line("tables of runs", len(seen.tables), f"{where}: {', '.join(path.name for path in seen.tables)}"),
        Line(
            "pages and prepared images", len(seen.pages), f"{where}: {made}; a run makes them anew" if made else where
        ),
        Line("images in runs", len(seen.drawn), where),
        Line("tracked pages", len(tracked_pages(home, run)), where),
    ]


def _told(ref: str, run: Run) -> str:
    return f"{ref} ({', '.join(run.seen.parts) or 'not in the split'})"


def _notes(run: Run, patient: Patient) -> list[str]:
    seen = run.seen
    notes = [f"{path} still mentions the patient or an image: look at it" for path in seen.mentions(patient.key)]
    if seen.outside:
        notes.append(
            f"{seen.folder}: {seen.outside} image(s) lie in the dataset that was read. Remove them there, else another "
            "run reads them again"
        )
    return notes
