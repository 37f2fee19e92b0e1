"""A patient goes from every place and nobody else does, on every database."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa

from killed_writes import killed_after
from nevus.store import Registry, Store, entries, verify
from nevus.store.blobs import FolderBlobs
from nevus.store.erasure import erase_patient
from nevus.store.predictions import append_predictions, append_shadows
from nevus.store.pseudonyms import Pseudonyms
from nevus.store.serving_tables import (
    IdempotentAnswerRow,
    LabelRow,
    LesionAnswerRow,
    PredictionRow,
    SampleBatchRow,
    SampleRow,
)
from nevus.store.tables import FixedTestImageRow
from patient_rows import START, batch, id_at, label, picture_key, prediction, sample
from prediction_rows import add_predictions

KEY = "P-0017"
PSEUDONYMS = Pseudonyms(bytes(32))
MINE, OTHER = PSEUDONYMS.patient(KEY), PSEUDONYMS.patient("P-0018")
TABLES = (PredictionRow, LesionAnswerRow, IdempotentAnswerRow, LabelRow, SampleRow)


@pytest.fixture
def blobs(tmp_path: Path) -> FolderBlobs:
    return FolderBlobs(tmp_path / "blobs")


def put(blobs: FolderBlobs, *pictures: bytes) -> None:
    for picture in pictures:
        blobs.put(picture_key(picture), picture)


@pytest.fixture
def filled(store: Store, blobs: FolderBlobs) -> Store:
    """Of each kind one row of the patient's and one of another's; a shadow; the patient's picture without a key."""
    mine, other = prediction(patient_hash=MINE, picture=b"mine"), prediction(patient_hash=OTHER, picture=b"other")
    shadow = prediction(arm="shadow", shadow_of=mine["prediction_id"], picture=b"mine")
    unkeyed, stranger = prediction(picture=b"mine"), prediction(picture=b"stranger")
    made, first = batch(), label(mine)
    with store.write() as session:
        session.execute(sa.insert(PredictionRow), [mine, other, shadow, unkeyed, stranger])
        later = label(mine)
        session.execute(sa.insert(LabelRow), [later])
        session.execute(sa.insert(LabelRow), [first | {"superseded_by": later["label_id"]}, label(other)])
        session.execute(sa.insert(SampleBatchRow), [made])
        samples = [sample(made["batch_id"], of, patient_hash=who) for of, who in ((b"m", MINE), (b"o", OTHER))]
        session.execute(sa.insert(SampleRow), samples)
        for of in (mine, other):
            answer = {
                "lesion_answer_id": id_at(START),
                "request_id": of["request_id"],
                "created_at": START,
                "model": "lesions",
                "version": 1,
                "bundle_digest": "b" * 64,
                "patient_hash": of["patient_hash"],
                "lesion_hash": None,
                "prediction_ids": [of["prediction_id"]],
                "answer": {},
            }
            session.execute(sa.insert(LesionAnswerRow), [answer])
            kept = {"key_id": "k", "idempotency_key": of["request_id"], "fingerprint": "f" * 64, "status": 200}
            kept |= {"created_at": START, "body": json.dumps({"prediction_id": of["prediction_id"]}).encode()}
            session.execute(sa.insert(IdempotentAnswerRow), [kept])
        groups = {"1" * 64: f"ham/patient:{KEY}", "2" * 64: f"ham/patient:X{KEY}", "3" * 64: "ham/patient:P-0018"}
        fixed = [
            {"identity": identity, "group_id": group, "split_fingerprint": "s", "fixed_at": START}
            for identity, group in groups.items()
        ]
        session.execute(sa.insert(FixedTestImageRow), fixed)
    put(blobs, b"mine", b"other", b"stranger", b"m", b"o")
    return store


def counts(store: Store) -> dict[str, int]:
    with store.read() as session:
        return {t.__tablename__: session.scalar(sa.select(sa.func.count()).select_from(t)) or 0 for t in TABLES}


def erase(store: Store, blobs: FolderBlobs, home: Path, **options: bool):
    return erase_patient(store, blobs, PSEUDONYMS, KEY, home=home, **options)


def test_every_row_and_picture_of_the_patient_goes_and_no_other(
    filled: Store, blobs: FolderBlobs, tmp_path: Path
) -> None:
    erased = erase(filled, blobs, tmp_path)
    assert {line.place: line.items for line in erased.lines} == {
        "pictures": 2,
        "kept answers": 1,
        "lesion answers": 1,
        "labels": 2,
        "names of test groups": 1,
        "samples": 1,
        "predictions": 3,
    }
    assert counts(filled) == {
        "predictions": 2,
        "lesion_answers": 1,
        "idempotent_answers": 1,
        "labels": 1,
        "samples": 1,
    }
    assert set(blobs.keys()) == {picture_key(of) for of in (b"other", b"stranger", b"o")}
    with filled.read() as session:
        assert set(session.scalars(sa.select(PredictionRow.patient_hash))) == {OTHER, None}
        groups = set(session.scalars(sa.select(FixedTestImageRow.group_id)))
    assert groups == {f"erased:{MINE[:12]}", f"ham/patient:X{KEY}", "ham/patient:P-0018"}


def test_the_audit_tells_of_it_without_the_key(filled: Store, blobs: FolderBlobs, tmp_path: Path) -> None:
    erase(filled, blobs, tmp_path)
    (entry,) = entries(filled, action="patient.erased")
    assert entry.subject == f"patient:{MINE[:12]}"
    assert entry.details["counts"]["predictions"] == 3
    told = str(entry)
    assert KEY not in told
    assert MINE not in told
    assert verify(filled).intact


def test_a_dry_run_finds_the_same_and_changes_nothing(filled: Store, blobs: FolderBlobs, tmp_path: Path) -> None:
    before = counts(filled), sorted(blobs.keys())
    found = erase(filled, blobs, tmp_path, dry_run=True)
    assert (counts(filled), sorted(blobs.keys())) == before
    assert entries(filled) == []
    assert found.lines == erase(filled, blobs, tmp_path).lines


def test_a_second_time_finds_nothing(filled: Store, blobs: FolderBlobs, tmp_path: Path) -> None:
    erase(filled, blobs, tmp_path)
    assert erase(filled, blobs, tmp_path).items == 0


def test_after_a_kill_between_pictures_and_rows_a_repetition_does_the_rest(
    filled: Store, blobs: FolderBlobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("nevus.store.audit.record", killed)
        with pytest.raises(KeyboardInterrupt):
            erase(filled, blobs, tmp_path)
    assert not blobs.exists(picture_key(b"mine"))
    assert counts(filled)["predictions"] == 5
    erase(filled, blobs, tmp_path)
    assert counts(filled)["predictions"] == 2


def test_a_picture_that_another_patient_sent_too_stays_and_is_said(
    store: Store, blobs: FolderBlobs, tmp_path: Path
) -> None:
    with store.write() as session:
        rows = [prediction(patient_hash=who, picture=b"same") for who in (MINE, OTHER)]
        session.execute(sa.insert(PredictionRow), rows)
    put(blobs, b"same")
    lines = {line.place: line for line in erase(store, blobs, tmp_path).lines}
    assert (lines["pictures"].items, "1 stay" in lines["pictures"].detail) == (0, True)
    assert blobs.exists(picture_key(b"same"))
    assert counts(store)["predictions"] == 1


def test_a_shadow_is_written_only_beside_an_answer_that_is_still_there_and_with_its_picture(
    store: Store, blobs: FolderBlobs, tmp_path: Path
) -> None:
    mine, other = prediction(patient_hash=MINE, picture=b"mine"), prediction(patient_hash=OTHER, picture=b"other")
    late = prediction(patient_hash=OTHER, picture=b"late")
    put(blobs, b"mine", b"other")
    add_predictions(store, mine, other, late | {"image_key": None})  # retention has taken the picture of the last
    shadows = [
        prediction(arm="shadow", shadow_of=of["prediction_id"], patient_hash=of["patient_hash"], picture=picture)
        for of, picture in ((mine, b"mine"), (other, b"other"), (late, b"late"))
    ]
    erase(store, blobs, tmp_path)
    with store.append() as connection:
        assert append_shadows(connection, shadows) == 2
    with store.read() as session:
        assert set(session.scalars(sa.select(PredictionRow.patient_hash))) == {OTHER}
        kept = session.execute(
            sa.select(PredictionRow.shadow_of, PredictionRow.image_key).where(PredictionRow.arm == "shadow")
        )
        assert {tuple(row) for row in kept} == {
            (other["prediction_id"], picture_key(b"other")),
            (late["prediction_id"], None),
        }


class _MeanwhileBlobs(FolderBlobs):
    """At its first deletion, something else happens in another thread, and has half a second's lead."""

    meanwhile: threading.Thread | None = None

    def delete(self, key: str) -> bool:
        if self.meanwhile is not None and self.meanwhile.ident is None:
            self.meanwhile.start()
            self.meanwhile.join(0.5)
        return super().delete(key)


def test_an_answer_that_comes_while_the_patient_is_erased_is_kept_whole(store: Store, tmp_path: Path) -> None:
    blobs = _MeanwhileBlobs(tmp_path / "blobs")
    put(blobs, b"before", b"meanwhile")
    add_predictions(store, prediction(patient_hash=MINE, picture=b"before"))
    new = prediction(patient_hash=MINE, picture=b"meanwhile")
    blobs.meanwhile = threading.Thread(target=add_predictions, args=(store, new))
    assert {line.place: line.items for line in erase(store, blobs, tmp_path).lines}["predictions"] == 1
    blobs.meanwhile.join()
    with store.read() as session:
        assert list(session.scalars(sa.select(PredictionRow.prediction_id))) == [new["prediction_id"]]
    assert list(blobs.keys()) == [picture_key(b"meanwhile")]  # no row without a picture, no picture without a row


def test_an_answer_that_is_being_written_when_the_erasure_begins_goes_with_the_rest(
    store: Store, blobs: FolderBlobs, tmp_path: Path
) -> None:
    put(blobs, b"mine")
    erasing = threading.Thread(target=erase, args=(store, blobs, tmp_path))
    with store.append() as connection:
        append_predictions(connection, [prediction(patient_hash=MINE, picture=b"mine")])
        erasing.start()
        erasing.join(0.5)
    erasing.join()
    assert counts(store)["predictions"] == 0
    assert list(blobs.keys()) == []


@pytest.fixture
def run_folder(tmp_path: Path, store: Store, new_version) -> Path:
    """A run whose manifest holds the patient twice, once in an image that was drawn into the run itself."""
    run = tmp_path / "run"
    (run / "synthetic").mkdir(parents=True)
    images = {"a": KEY, "b": KEY, "c": "P-0018", "d": None}
    for name in ("a", "c"):
        (run / "synthetic" / f"{name}.jpg").write_bytes(name.encode())
    uris = [str(run / "synthetic" / "a.jpg"), "/data/b.jpg", str(run / "synthetic" / "c.jpg"), "/data/d.jpg"]
    table = pl.DataFrame({"image_id": list(images), "patient_id": list(images.values()), "uri": uris})
    for name in ("manifest", "ingested"):
        table.write_parquet(run / f"{name}.parquet")
    parts = ["train", "train", "test", "train"]
    pl.DataFrame({"image_id": list(images), "split": parts}).write_parquet(run / "split.parquet")
    pl.DataFrame({"image_a": ["a", "c"], "image_b": ["c", "d"]}).write_parquet(run / "duplicates.parquet")
    for name in ("prepared", "duplicates", "checks", "bundle"):
        (run / name).mkdir()
    (run / "prepared" / "00000.arrow").write_bytes(b"pixels")
    (run / "duplicates" / "0.jpg").write_bytes(b"sheet")
    (run / "bundle" / "card.md").write_text("stays")
    for name in ("report.html", "data.html"):
        (run / name).write_text("<img>")
    (run / "checks" / "findings.json").write_text(json.dumps({"patient": KEY}))
    Registry(store).register(new_version(1, bundle_uri=str(run / "bundle"), run=str(run)))
    return run


def column(path: Path, name: str = "image_id") -> list[str]:
    return pl.read_parquet(path)[name].to_list()


def test_a_runs_tables_lose_the_rows_and_what_shows_images_goes(
    store: Store, blobs: FolderBlobs, run_folder: Path, tmp_path: Path
) -> None:
    erased = erase(store, blobs, tmp_path)
    for name in ("manifest", "ingested", "split"):
        assert column(run_folder / f"{name}.parquet") == ["c", "d"]
    assert column(run_folder / "duplicates.parquet", "image_a") == ["c"]
    left = {path.relative_to(run_folder).as_posix() for path in run_folder.rglob("*") if path.is_file()}
    assert left == {
        *(f"{name}.parquet" for name in ("manifest", "ingested", "split", "duplicates")),
        "bundle/card.md",
        "checks/findings.json",
        "synthetic/c.jpg",
    }
    assert erased.trained_on == ("lesions/1 (train)",)
    assert any("findings.json still mentions" in note for note in erased.notes)
    assert any("1 image(s) lie in the dataset" in note for note in erased.notes)


def test_a_run_that_was_left_half_erased_is_finished(
    store: Store, blobs: FolderBlobs, run_folder: Path, tmp_path: Path
) -> None:
    with killed_after(tables=3):
        erase(store, blobs, tmp_path)
    remaining = [KEY in column(run_folder / f"{name}.parquet", "patient_id") for name in ("manifest", "ingested")]
    assert sorted(remaining) == [False, True]
    assert column(run_folder / "split.parquet") == ["c", "d"]
    erase(store, blobs, tmp_path)
    for name in ("manifest", "ingested"):
        assert column(run_folder / f"{name}.parquet") == ["c", "d"]


def test_a_run_without_the_patient_is_left_alone(
    store: Store, blobs: FolderBlobs, run_folder: Path, tmp_path: Path
) -> None:
    erased = erase_patient(store, blobs, PSEUDONYMS, "P-0019", home=tmp_path)
    assert (erased.items, erased.trained_on) == (0, ())
    assert (run_folder / "report.html").exists()
    assert (run_folder / "prepared" / "00000.arrow").exists()
