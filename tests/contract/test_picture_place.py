"""A store's pictures lie in one place, which is recognised wherever it is mounted, and no other is taken for it."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from nevus.store import Store
from nevus.store.backup import back_up
from nevus.store.blobs import BlobsError, BlobStore, FolderBlobs, open_blobs
from nevus.store.erasure import erase_patient
from nevus.store.picture_place import MARK, PicturePlaceError, note_place, require_place
from nevus.store.pseudonyms import Pseudonyms
from nevus.store.serving_tables import PredictionRow
from patient_rows import picture_key, prediction
from prediction_rows import add_predictions

PSEUDONYMS = Pseudonyms(bytes(32))


@pytest.fixture(params=["folder", pytest.param("s3", marks=pytest.mark.service)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    if request.param == "folder":
        return FolderBlobs(tmp_path / "pictures")
    return open_blobs(f"{request.getfixturevalue('s3_bucket')}/pictures", tmp_path)


@pytest.fixture
def other(tmp_path: Path) -> FolderBlobs:
    return FolderBlobs(tmp_path / "other")


def fill(store: Store, place: BlobStore) -> None:
    """A patient's answer and its picture."""
    add_predictions(store, prediction(patient_hash=PSEUDONYMS.patient("P-1"), picture=b"mine"))
    place.put(picture_key(b"mine"), b"mine")


def rows(store: Store) -> int:
    with store.read() as session:
        return session.query(PredictionRow).count()


def test_the_place_that_a_service_noted_is_the_stores_and_another_is_refused_by_name_and_remedy(
    store: Store, place: BlobStore, other: FolderBlobs
) -> None:
    note_place(store, place)
    note_place(store, place)
    fill(store, place)
    require_place(store, place)
    for refusing, remedy in ((require_place, "--blobs"), (note_place, "serving.blobs")):
        with pytest.raises(PicturePlaceError) as refused:
            refusing(store, other)
        assert place.uri in str(refused.value)
        assert other.uri in str(refused.value)
        assert remedy in str(refused.value)
        assert MARK in str(refused.value)
    assert list(other.keys()) == []


def test_without_a_service_every_place_is_taken(store: Store, place: BlobStore, other: FolderBlobs) -> None:
    fill(store, place)
    require_place(store, place)
    require_place(store, other)


def test_no_row_goes_whose_picture_lies_elsewhere(
    store: Store, place: BlobStore, other: FolderBlobs, tmp_path: Path
) -> None:
    note_place(store, place)
    fill(store, place)
    for dry_run in (True, False):
        with pytest.raises(PicturePlaceError):
            erase_patient(store, other, PSEUDONYMS, "P-1", home=tmp_path, dry_run=dry_run)
    with pytest.raises(PicturePlaceError):
        back_up(store, other, tmp_path / "a.tar", home=tmp_path)
    assert not (tmp_path / "a.tar").exists()
    assert (rows(store), place.exists(picture_key(b"mine"))) == (1, True)
    erase_patient(store, place, PSEUDONYMS, "P-1", home=tmp_path)
    assert (rows(store), list(place.keys())) == (0, [MARK])


@pytest.mark.service
def test_no_row_goes_where_the_place_can_not_be_reached(
    store: Store, s3_bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import s3fs

    note_place(store, open_blobs(f"{s3_bucket}/pictures", tmp_path))
    fill(store, open_blobs(f"{s3_bucket}/pictures", tmp_path))
    with monkeypatch.context() as away:
        away.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        s3fs.S3FileSystem.clear_instance_cache()
        with pytest.raises(BlobsError):
            erase_patient(store, open_blobs(f"{s3_bucket}/pictures", tmp_path), PSEUDONYMS, "P-1", home=tmp_path)
    s3fs.S3FileSystem.clear_instance_cache()
    assert rows(store) == 1


def test_a_folder_that_was_moved_is_known_again_and_told_by_its_new_name(
    store: Store, other: FolderBlobs, tmp_path: Path
) -> None:
    before = FolderBlobs(tmp_path / "before")
    note_place(store, before)
    fill(store, before)
    shutil.move(tmp_path / "before", tmp_path / "now")
    now = FolderBlobs(tmp_path / "now")
    require_place(store, now)
    note_place(store, now)
    with pytest.raises(PicturePlaceError, match=str(tmp_path / "now")):
        require_place(store, other)


def test_pictures_that_came_without_the_mark_or_are_lost_are_taken_with_a_mark_made_by_hand(
    store: Store, place: BlobStore, other: FolderBlobs
) -> None:
    note_place(store, place)
    fill(store, place)
    with pytest.raises(PicturePlaceError) as refused:
        note_place(store, other)
    mark = place.get(MARK).decode()
    assert mark in str(refused.value)
    (other.folder / MARK).write_text(f"{mark}\n")
    note_place(store, other)
    require_place(store, other)


def test_before_the_first_picture_another_place_may_be_named(
    store: Store, place: BlobStore, other: FolderBlobs
) -> None:
    note_place(store, place)
    note_place(store, other)
    require_place(store, other)
    with pytest.raises(PicturePlaceError):
        require_place(store, place)


def test_the_place_of_one_store_is_not_that_of_another(
    store: Store, place: BlobStore, other: FolderBlobs, tmp_path: Path
) -> None:
    from nevus.store import StoreSettings, open_store

    note_place(store, place)
    fill(store, place)
    with open_store(StoreSettings(home=tmp_path / "second")) as second:
        note_place(second, other)
    with pytest.raises(PicturePlaceError):
        require_place(store, other)


def test_servers_that_start_at_once_note_one_place(store: Store, place: BlobStore) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: note_place(store, place), range(4)))
    require_place(store, place)
