"""A backup that is taken while others write, restored elsewhere, on every database."""

from __future__ import annotations

import stat
import tarfile
import threading
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from nevus.store import Registry, Store, StoreSettings, open_store, verify
from nevus.store.backup import BackupError, back_up, restore
from nevus.store.blobs import FolderBlobs, open_blobs
from nevus.store.pseudonyms import Pseudonyms, secret_file
from nevus.store.serving_tables import LabelRow, PredictionRow, SampleBatchRow, SampleRow
from nevus.store.tables import Base
from patient_rows import START, batch, label, picture_key, prediction, sample


@pytest.fixture
def home(tmp_path: Path) -> Path:
    made = tmp_path / "home"
    made.mkdir()
    return made


@pytest.fixture
def blobs(home: Path) -> FolderBlobs:
    return FolderBlobs(home / "blobs")


@pytest.fixture
def filled(store: Store, blobs: FolderBlobs, new_version) -> Store:
    """Rows of every awkward kind: bytes, dates, nulls in JSON, labels and versions that point at others."""
    registry = Registry(store)
    for number in (1, 2):
        registry.register(new_version(number))
        registry.approve(f"lesions/{number}", by="Dr. A", note="looked at")
        registry.promote(f"lesions/{number}", by="Dr. A")
    rows = [prediction(START + timedelta(seconds=n), b"%d" % n) for n in range(5)]
    rows[0] |= {"probabilities": None, "patient_hash": "a" * 64, "notes": ["ünïcode \u2028"]}
    made = batch()
    later = label(rows[0], confirmed_on=START.date())
    with store.write() as session:
        session.execute(sa.insert(PredictionRow), rows)
        session.execute(sa.insert(LabelRow), [later])
        session.execute(sa.insert(LabelRow), [label(rows[0], superseded_by=later["label_id"])])
        session.execute(sa.insert(SampleBatchRow), [made])
        session.execute(sa.insert(SampleRow), [sample(made["batch_id"], b"sample")])
    for picture in (*(b"%d" % n for n in range(5)), b"sample", b"held by no row"):
        blobs.put(picture_key(picture), picture)
    return store


def content(store: Store) -> dict[str, list]:
    with store.read() as session:
        return {
            table.name: session.execute(sa.select(table).order_by(*table.primary_key.columns)).all()
            for table in Base.metadata.sorted_tables
        }


def test_everything_that_rows_hold_is_there_again(
    filled: Store, blobs: FolderBlobs, home: Path, tmp_path: Path
) -> None:
    before = content(filled)
    done = back_up(filled, blobs, tmp_path / "a.tar", home=home)
    assert (done.pictures, done.missing, done.elsewhere) == (6, 0, 0)
    assert stat.S_IMODE((tmp_path / "a.tar").stat().st_mode) == 0o600
    there = tmp_path / "there"
    restored = restore(tmp_path / "a.tar", home=there)
    assert (restored.pictures, restored.audit_intact) == (6, True)
    assert restored.audit_rows == len(before["audit"]) > 4
    with open_store(StoreSettings(home=there)) as again:
        assert content(again) == before
        Registry(again).rollback("lesions", by="Dr. B")
        assert verify(again).intact
    pictures = open_blobs(None, there)
    assert pictures.get(picture_key(b"3")) == b"3"
    assert not pictures.exists(picture_key(b"held by no row"))
    assert not any(path.name.startswith(".restoring") for path in there.iterdir())


def test_a_backup_while_others_write_is_of_one_moment(
    store: Store, blobs: FolderBlobs, home: Path, tmp_path: Path
) -> None:
    stop, written = threading.Event(), []

    def append() -> None:
        while not stop.is_set():
            number = len(written)
            blobs.put(picture_key(b"%d" % number), b"%d" % number)
            row = prediction(START + timedelta(milliseconds=number), b"%d" % number)
            with store.write() as session:  # two rows at once: a snapshot has both or neither
                session.execute(sa.insert(PredictionRow), [row, prediction(picture=b"%d" % number)])
            written.append(row["prediction_id"])

    thread = threading.Thread(target=append)
    thread.start()
    try:
        while len(written) < 20:
            stop.wait(0.01)
        before = len(written)
        back_up(store, blobs, tmp_path / "a.tar", home=home)
    finally:
        stop.set()
        thread.join()
    assert restore(tmp_path / "a.tar", home=tmp_path / "there").audit_intact
    with open_store(StoreSettings(home=tmp_path / "there")) as again, again.read() as session:
        rows = dict(session.execute(sa.select(PredictionRow.prediction_id, PredictionRow.image_key)).all())
    assert len(rows) % 2 == 0
    assert set(written[:before]) <= set(rows)
    pictures = open_blobs(None, tmp_path / "there")
    assert all(pictures.exists(key) for key in rows.values())


def test_the_secret_goes_along_only_when_it_is_asked_for(
    store: Store, blobs: FolderBlobs, home: Path, tmp_path: Path
) -> None:
    known = Pseudonyms.open(home).patient("P")
    back_up(store, blobs, tmp_path / "without.tar", home=home)
    back_up(store, blobs, tmp_path / "with.tar", home=home, with_secrets=True)
    assert secret_file(home).read_bytes().strip() not in (tmp_path / "without.tar").read_bytes()
    restore(tmp_path / "without.tar", home=tmp_path / "a")
    assert not secret_file(tmp_path / "a").exists()
    assert restore(tmp_path / "with.tar", home=tmp_path / "b").with_secrets
    assert Pseudonyms.open(tmp_path / "b").patient("P") == known
    assert stat.S_IMODE(secret_file(tmp_path / "b").stat().st_mode) == 0o600


def test_a_changed_byte_anywhere_in_a_file_is_refused_and_nothing_is_made(
    filled: Store, blobs: FolderBlobs, home: Path, tmp_path: Path
) -> None:
    back_up(filled, blobs, tmp_path / "a.tar", home=home)
    whole = (tmp_path / "a.tar").read_bytes()
    with tarfile.open(tmp_path / "a.tar") as archive:
        places = [(entry.offset_data + entry.size // 2, entry.name) for entry in archive if entry.size]
        headers = [(entry.offset + 5, entry.name) for entry in archive]
    for at, name in [*places, *headers]:
        broken = bytearray(whole)
        broken[at] ^= 1
        (tmp_path / "b.tar").write_bytes(broken)
        with pytest.raises(BackupError):
            restore(tmp_path / "b.tar", home=tmp_path / "there")
        assert not (tmp_path / "there").exists(), name


@pytest.mark.parametrize("kept", [0, 100, 0.5, -1024 * 20])
def test_a_file_that_is_cut_off_is_refused(
    filled: Store, blobs: FolderBlobs, home: Path, tmp_path: Path, kept: float
) -> None:
    back_up(filled, blobs, tmp_path / "a.tar", home=home)
    whole = (tmp_path / "a.tar").read_bytes()
    (tmp_path / "a.tar").write_bytes(whole[: int(len(whole) * kept) if isinstance(kept, float) else kept])
    with pytest.raises(BackupError):
        restore(tmp_path / "a.tar", home=tmp_path / "there")
    assert not (tmp_path / "there").exists()


def test_a_home_that_holds_something_is_left_alone_unless_it_is_forced(
    filled: Store, blobs: FolderBlobs, home: Path, tmp_path: Path
) -> None:
    back_up(filled, blobs, tmp_path / "a.tar", home=home)
    there = tmp_path / "there"
    open_store(StoreSettings(home=there)).close()
    with pytest.raises(BackupError, match="isn't empty"):
        restore(tmp_path / "a.tar", home=there)
    assert restore(tmp_path / "a.tar", home=there, force=True).pictures == 6
    with open_store(StoreSettings(home=there)) as again:
        assert content(again) == content(filled)


def test_an_older_backup_stays_where_a_new_one_fails(
    filled: Store, blobs: FolderBlobs, home: Path, tmp_path: Path
) -> None:
    back_up(filled, blobs, tmp_path / "a.tar", home=home)
    whole = (tmp_path / "a.tar").read_bytes()
    with pytest.raises(BackupError, match="secret"):
        back_up(filled, blobs, tmp_path / "a.tar", home=home, with_secrets=True)
    assert (tmp_path / "a.tar").read_bytes() == whole
    assert {path.name for path in tmp_path.iterdir()} <= {"a.tar", "home", "nevus.db", "nevus.db-wal", "nevus.db-shm"}


@pytest.mark.service
def test_pictures_of_an_object_store_stay_there_and_are_listed(
    filled: Store, s3_bucket: str, home: Path, tmp_path: Path
) -> None:
    remote = open_blobs(s3_bucket + "/pictures", home)
    done = back_up(filled, remote, tmp_path / "a.tar", home=home)
    assert (done.pictures, done.elsewhere) == (0, 6)
    assert restore(tmp_path / "a.tar", home=tmp_path / "there").elsewhere == s3_bucket + "/pictures"
