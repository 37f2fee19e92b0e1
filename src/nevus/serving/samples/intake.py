"""From an upload's files and table to stored samples; whatever isn't taken is named with its reason."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa

from nevus.imaging import DecodeLimits, UnreadableImageError
from nevus.serving.picture import kept_picture
from nevus.serving.samples.checks import Facts, UnfitError, check_image, read_age, read_diagnosis, word_warnings
from nevus.serving.samples.matching import Match, match_lines
from nevus.serving.samples.offered import Offered
from nevus.serving.tables import Line
from nevus.store import Store
from nevus.store.blobs import BlobStore
from nevus.store.chunks import chunks
from nevus.store.pseudonyms import Pseudonyms
from nevus.store.samples import NewSample, RejectedSample, Sample, SampleBatch, add_batch, list_samples
from nevus.store.samples.batches import MOST_ROWS
from nevus.store.serving_tables import SampleRow
from nevus.taxonomy import UNKNOWN

NEEDED = ("file", "diagnosis")
KNOWN = ("confirmed_by", "age", "sex", "site", "patient", "lesion", "licence", "attribution", "source")


@dataclass(frozen=True)
class Intake:
    """An upload that was stored: its batch, the samples that came of it, and what was not taken."""

    batch: SampleBatch
    samples: list[Sample]
    rejected: list[RejectedSample]


@dataclass
class _Candidate:
    """An offered image with what its line says, on its way through the checks."""

    match: Match
    diagnosis: str
    age: float | None
    patient_hash: str | None
    lesion_hash: str | None
    image_hash: str = ""
    facts: Facts = field(default_factory=lambda: Facts(0, 0, ()))


def take_in(
    store: Store,
    blobs: BlobStore,
    pseudonyms: Pseudonyms,
    *,
    files: Sequence[Offered],
    lines: Sequence[Line],
    refused: Sequence[RejectedSample] = (),
    folder: str = "",
    limits: DecodeLimits,
    by: str,
    key_id: str | None,
) -> Intake:
    """Check every file and every line of the table, keep the pictures of what passes, and store it as one batch.

    Args:
        store, blobs, pseudonyms: where it goes, and how patients' keys are hidden.
        files: what was sent; files that no line names are refused, for a label never comes from a name.
        lines: of the table.
        refused: what was turned away before.
        folder: of the table within the upload; names may be relative to it.
        limits: of decoding.
        by: owner of the key; key_id: the key.
    """
    matches, rejected = match_lines(lines, files, folder, refused)
    rejected = [*refused, *rejected]
    read = [_from_line(match, pseudonyms) for match in matches]
    candidates = _kept(read, rejected)
    candidates = _agreeing(candidates, rejected, _stored_diagnoses(store, candidates))
    candidates = _kept((_checked(one, limits) for one in candidates), rejected)
    candidates = _one_label_an_image(candidates, rejected)
    new = [_keep(one, blobs, limits) for one in candidates]
    batch, turned_away = add_batch(store, new, rejected, by=by, key_id=key_id)
    return Intake(batch, list(_samples_of(store, batch.batch_id)), turned_away)


def _kept(found: Iterable[_Candidate | RejectedSample], rejected: list[RejectedSample]) -> list[_Candidate]:
    kept = []
    for one in found:
        if isinstance(one, RejectedSample):
            rejected.append(one)
        else:
            kept.append(one)
    return kept


def _from_line(match: Match, pseudonyms: Pseudonyms) -> _Candidate | RejectedSample:
    said = match.line.values
    patient, lesion = said.get("patient"), said.get("lesion")
    try:
        return _Candidate(
            match,
            read_diagnosis(said.get("diagnosis", "")),
            read_age(said.get("age")),
            pseudonyms.patient(patient) if patient else None,
            pseudonyms.lesion(patient, lesion) if lesion else None,
        )
    except UnfitError as error:
        return RejectedSample(match.file.name, error.reason, f"line {match.line.line}: {error}")


def _stored_diagnoses(store: Store, candidates: Sequence[_Candidate]) -> dict[str, set[str]]:
    """Lesion -> the diagnoses that its samples have already."""
    found: dict[str, set[str]] = defaultdict(set)
    wanted = sorted({one.lesion_hash for one in candidates if one.lesion_hash})
    with store.read() as session:
        for chunk in chunks(wanted):
            query = sa.select(SampleRow.lesion_hash, SampleRow.diagnosis).where(SampleRow.lesion_hash.in_(chunk))
            for lesion, diagnosis in session.execute(query):
                found[str(lesion)].add(diagnosis)
    return found


def _agreeing(
    candidates: Sequence[_Candidate], rejected: list[RejectedSample], stored: dict[str, set[str]]
) -> list[_Candidate]:
    """Those whose lesion has one diagnosis, in the upload and in the store; `unknown` contradicts nothing."""
    named = defaultdict(set, {lesion: set(diagnoses) for lesion, diagnoses in stored.items()})
    for one in candidates:
        if one.lesion_hash:
            named[one.lesion_hash].add(one.diagnosis)
    kept = []
    for one in candidates:
        labels = named[one.lesion_hash] - {UNKNOWN} if one.lesion_hash else set()
        if len(labels) < 2:
            kept.append(one)
            continue
        lesion = one.match.line.values.get("lesion", "")
        rejected.append(
            RejectedSample(
                one.match.file.name,
                "label_conflict",
                f"the images of lesion {lesion[:40]} carry different labels ({', '.join(sorted(labels))}).",
            )
        )
    return kept


def _checked(one: _Candidate, limits: DecodeLimits) -> _Candidate | RejectedSample:
    name = one.match.file.name
    try:
        data = one.match.file.read()
        one.facts = check_image(name, data, limits)
    except UnreadableImageError as error:
        return RejectedSample(name, error.reason, str(error))
    except UnfitError as error:
        return RejectedSample(name, error.reason, str(error))
    one.image_hash = hashlib.sha256(data).hexdigest()
    return one


def _one_label_an_image(candidates: Sequence[_Candidate], rejected: list[RejectedSample]) -> list[_Candidate]:
    """Of an image that comes twice with different labels neither is taken."""
    labels: dict[str, set[str]] = defaultdict(set)
    for one in candidates:
        labels[one.image_hash].add(one.diagnosis)
    kept = []
    for one in candidates:
        if len(labels[one.image_hash]) == 1:
            kept.append(one)
        else:
            said = ", ".join(sorted(labels[one.image_hash]))
            message = f"the same image comes with different labels ({said})."
            rejected.append(RejectedSample(one.match.file.name, "label_conflict", message))
    return kept


def _keep(one: _Candidate, blobs: BlobStore, limits: DecodeLimits) -> NewSample:
    picture = kept_picture(one.match.file.read(), limits)
    # Beside the pictures of predictions, not among them: those go when their time is over.
    key = picture.key(one.image_hash).replace("images/", "samples/", 1)
    blobs.put(key, picture.data)
    said = one.match.line.values
    return NewSample(
        name=one.match.file.name,
        image_hash=one.image_hash,
        image_key=key,
        image_type=picture.media_type,
        width=one.facts.width,
        height=one.facts.height,
        diagnosis=one.diagnosis,
        orientation=picture.orientation,
        patient_hash=one.patient_hash,
        lesion_hash=one.lesion_hash,
        age=one.age,
        warnings=(*one.facts.warnings, *word_warnings(said)),
        confirmed_by=said.get("confirmed_by"),
        sex=said.get("sex"),
        site=said.get("site"),
        licence=said.get("licence"),
        attribution=said.get("attribution"),
        source=said.get("source"),
    )


def _samples_of(store: Store, batch_id: str) -> Iterable[Sample]:
    before = None
    while page := list_samples(store, batch_id=batch_id, before=before, limit=MOST_ROWS):
        yield from page
        before = page[-1].sample_id
