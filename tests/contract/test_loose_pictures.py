"""Pictures that a kill left without a row go, and no others: on every database, in a folder as in an object store."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from nevus.store import Store, loose_pictures
from nevus.store.blobs import BlobStore, open_blobs
from nevus.store.loose_pictures import LooseSweep, TooManyLooseError, delete, look
from nevus.store.serving_tables import PredictionRow, SampleBatchRow, SampleRow
from patient_rows import batch, picture_key, prediction, sample

DAY = 86_400.0


@pytest.fixture(params=["folder", pytest.param("s3", marks=pytest.mark.service)])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    if request.param == "folder":
        return open_blobs(None, tmp_path)
    return open_blobs(f"{request.getfixturevalue('s3_bucket')}/pictures", tmp_path)


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch):
    """A function that lets so many seconds pass for the sweep, but not for the pictures."""

    def pass_by(seconds: float = DAY + 10) -> None:
        class Clock:
            time = staticmethod(lambda real=time.time: real() + seconds)

        monkeypatch.setattr(loose_pictures, "time", Clock)

    return pass_by


def sample_key(data: bytes) -> str:
    return picture_key(data).replace("images/", "samples/", 1)


def fill(store: Store, blobs: BlobStore, *, held: int = 5) -> set[str]:
    """Pictures that rows name: of predictions, of a sample, and of one that another prediction of it has lost."""
    made = batch()
    with store.write() as session:
        rows = [prediction(picture=b"%d" % number) for number in range(held)]
        rows.append(prediction(picture=b"0") | {"image_key": None})
        session.execute(sa.insert(PredictionRow), rows)
        session.execute(sa.insert(SampleBatchRow), [made])
        session.execute(sa.insert(SampleRow), [sample(made["batch_id"], b"s", image_key=sample_key(b"s"))])
    keys = {picture_key(b"%d" % number) for number in range(held)} | {sample_key(b"s")}
    for key in keys:
        blobs.put(key, b"x")
    return keys


def test_what_no_row_names_goes_after_a_day_and_nothing_else(store: Store, blobs: BlobStore, later) -> None:
    held = fill(store, blobs)
    loose = {picture_key(b"a"), sample_key(b"b"), picture_key(b"s")}  # s: a sample's picture among predictions'
    foreign = {"images/readme.jpg", "backups/00/" + "0" * 64 + ".jpg", "images/ab/notes.jpg"}
    for key in loose | foreign:
        blobs.put(key, b"x")
    sweep = LooseSweep(store, blobs)
    later(DAY - 100)
    assert sweep.round().pictures == 0
    later()
    looked = sweep.round()
    assert (looked.pictures, set(looked.loose), looked.deleted) == (len(held) + 3, loose, 3)
    assert set(blobs.keys()) == held | foreign
    assert sweep.round().loose == ()


def test_a_picture_of_a_row_that_has_lost_it_is_loose(store: Store, blobs: BlobStore, later) -> None:
    held = fill(store, blobs)
    with store.write() as session:
        session.execute(sa.insert(PredictionRow), [prediction(picture=b"old") | {"image_key": None}])
    blobs.put(picture_key(b"old"), b"x")
    later()
    assert LooseSweep(store, blobs).round().loose == (picture_key(b"old"),)
    assert set(blobs.keys()) == held


def test_a_row_that_names_it_under_another_hash_keeps_it(store: Store, blobs: BlobStore, later) -> None:
    fill(store, blobs)
    odd = picture_key(b"odd")
    with store.write() as session:
        session.execute(sa.insert(PredictionRow), [prediction(picture=b"else") | {"image_key": odd}])
    blobs.put(odd, b"x")
    later()
    assert LooseSweep(store, blobs).round().loose == ()


@pytest.mark.parametrize(("held", "loose", "gone"), [(30, 20, True), (30, 21, False), (3, 4, True), (3, 5, False)])
def test_more_than_kills_leave_behind_are_left_alone(
    store: Store, tmp_path: Path, later, held: int, loose: int, gone: bool
) -> None:
    blobs = open_blobs(None, tmp_path)
    fill(store, blobs, held=held)  # and one sample
    for number in range(loose):
        blobs.put(picture_key(b"loose %d" % number), b"x")
    later()
    before = set(blobs.keys())
    if gone:
        assert LooseSweep(store, blobs).round().deleted == loose
        return
    with pytest.raises(TooManyLooseError, match=f"{loose} of {held + 1 + loose} pictures"):
        LooseSweep(store, blobs).round()
    assert set(blobs.keys()) == before


def test_the_place_of_another_store_is_left_alone(store: Store, blobs: BlobStore, later) -> None:
    blobs.put(picture_key(b"theirs"), b"x")
    later()
    with pytest.raises(TooManyLooseError):
        LooseSweep(store, blobs).round()
    assert blobs.exists(picture_key(b"theirs"))


def test_a_picture_that_is_sent_again_meanwhile_stays(store: Store, tmp_path: Path) -> None:
    blobs, again, loose = open_blobs(None, tmp_path), picture_key(b"again"), picture_key(b"loose")
    for key in (again, loose):
        blobs.put(key, b"x")
        age(tmp_path / "blobs" / key)
    found = look(store, blobs, loose_pictures.PREFIXES).loose
    assert set(found) == {again, loose}
    blobs.put(again, b"x")  # another process has begun to answer
    assert delete(blobs, found) == 1
    assert list(blobs.keys()) == [again]


def test_a_round_is_bounded_and_the_next_goes_on_where_it_ended(store: Store, tmp_path: Path, later) -> None:
    blobs = open_blobs(None, tmp_path)
    held = fill(store, blobs, held=40)
    later()
    sweep = LooseSweep(store, blobs, most=10)
    looked = [sweep.round().pictures for _ in range(8)]
    assert max(looked) < 20
    assert sum(looked) >= len(held)
    for number in range(2):  # they lie anywhere, so that some rounds meet none
        blobs.put(f"images/{number:02x}/{hashlib.sha256(b'%d' % number).hexdigest()}.jpg", b"x")
    assert LooseSweep(store, blobs, most=10_000).round().deleted == 2


def test_what_a_kill_left_half_written_goes_without_a_restart(tmp_path: Path) -> None:
    blobs, partial = open_blobs(None, tmp_path), tmp_path / "blobs" / ".partial"
    for name, seconds in (("old", 7200), ("being-written", 0)):
        (partial / name).write_bytes(b"half")
        age(partial / name, seconds)
    blobs.clear_away()
    assert [path.name for path in partial.iterdir()] == ["being-written"]


def age(file: Path, seconds: float = DAY + 10) -> None:
    os.utime(file, (time.time() - seconds,) * 2)
