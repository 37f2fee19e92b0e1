"""What was erased isn't left in the database's files either, where a look at the bytes would find it."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from nevus.store import Store, StoreSettings, engine, open_store
from nevus.store.blobs import FolderBlobs
from nevus.store.erasure import erase_patient
from nevus.store.pseudonyms import Pseudonyms
from nevus.store.serving_tables import PredictionRow
from patient_rows import prediction

PSEUDONYMS = Pseudonyms(bytes(32))
MARK = b"only this patient's embedding begins so"


def files_with(home: Path, mark: bytes) -> list[str]:
    return [file.name for file in sorted(home.glob("nevus.db*")) if mark in file.read_bytes()]


def add(store: Store, patient: str, embedding: bytes) -> None:
    with store.write() as session:
        row = prediction(patient_hash=PSEUDONYMS.patient(patient), picture=embedding) | {"embedding": embedding}
        session.execute(sa.insert(PredictionRow), [row])


def test_no_byte_of_an_erased_answer_stays_in_the_files(tmp_path: Path) -> None:
    blobs = FolderBlobs(tmp_path / "blobs")
    with open_store(StoreSettings(home=tmp_path)) as service, open_store(StoreSettings(home=tmp_path)) as command:
        for number in range(20):
            add(service, f"other {number}", bytes([number]) * 3000)
            add(service, "P-0017", MARK * 80)
        assert files_with(tmp_path, MARK)
        erase_patient(command, blobs, PSEUDONYMS, "P-0017", home=tmp_path)
        assert files_with(tmp_path, MARK) == []
        assert files_with(tmp_path, PSEUDONYMS.patient("P-0017").encode()) == []
        assert files_with(tmp_path, bytes([7]) * 3000)


def test_a_reader_who_keeps_the_log_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "BUSY_SECONDS", 0.2)
    blobs = FolderBlobs(tmp_path / "blobs")
    with open_store(StoreSettings(home=tmp_path)) as service, open_store(StoreSettings(home=tmp_path)) as command:
        add(service, "P-0017", MARK * 80)
        with service.read() as reader:
            reader.scalar(sa.select(sa.func.count()).select_from(PredictionRow))
            erased = erase_patient(command, blobs, PSEUDONYMS, "P-0017", home=tmp_path)
            assert "nevus.db-wal" in erased.notes[-1]
        assert erase_patient(command, blobs, PSEUDONYMS, "P-0017", home=tmp_path).notes == ()
        assert files_with(tmp_path, MARK) == []
