"""What every place for pictures must do, whether a folder or an object store."""

from __future__ import annotations

import hashlib
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from nevus.errors import InputError, StorageFullError
from nevus.store.blobs import BlobKeyError, BlobMissingError, BlobsError, BlobStore, FolderBlobs, open_blobs

KEY = "images/ab/abcdef.jpg"


@pytest.fixture(params=["folder", pytest.param("s3", marks=pytest.mark.service)])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a place where nothing is yet."""
    if request.param == "folder":
        return str(tmp_path / "some" / "blobs")
    return request.getfixturevalue("s3_bucket") + "/some/prefix"


@pytest.fixture
def blobs(address: str, tmp_path: Path) -> BlobStore:
    return open_blobs(address, tmp_path / "home")


def test_what_was_put_is_got_again_by_another_opening(blobs: BlobStore, address: str, tmp_path: Path) -> None:
    data = bytes(range(256)) * 1200
    blobs.put(KEY, data)
    assert open_blobs(address, tmp_path).get(KEY) == data


def test_an_empty_blob_is_a_blob(blobs: BlobStore) -> None:
    blobs.put(KEY, b"")
    assert (blobs.get(KEY), blobs.exists(KEY)) == (b"", True)


def test_putting_again_replaces(blobs: BlobStore) -> None:
    blobs.put(KEY, b"a longer first one")
    blobs.put(KEY, b"short")
    assert blobs.get(KEY) == b"short"
    assert list(blobs.keys()) == [KEY]


def test_what_is_not_there_is_missing_by_name(blobs: BlobStore) -> None:
    blobs.put("images/ab/other.jpg", b"x")
    with pytest.raises(BlobMissingError, match=KEY):
        blobs.get(KEY)
    assert not blobs.exists(KEY)
    assert not blobs.exists("images/ab")  # a folder is no blob


def test_deleting_says_whether_there_was_something(blobs: BlobStore) -> None:
    blobs.put(KEY, b"x")
    blobs.put("images/ab/stays.jpg", b"y")
    assert (blobs.delete(KEY), blobs.delete(KEY)) == (True, False)
    assert not blobs.exists(KEY)
    assert list(blobs.keys()) == ["images/ab/stays.jpg"]


def test_keys_are_sorted_and_chosen_by_their_beginning(blobs: BlobStore) -> None:
    assert list(blobs.keys()) == []
    for key in ("samples/00/a.png", "images/ab/2.jpg", "images/ab/1.jpg", "images/cd/3.jpg"):
        blobs.put(key, b"x")
    assert list(blobs.keys("images/")) == ["images/ab/1.jpg", "images/ab/2.jpg", "images/cd/3.jpg"]
    assert list(blobs.keys("images/ab/2")) == ["images/ab/2.jpg"]
    assert list(blobs.keys("nothing/")) == []
    assert len(list(blobs.keys())) == 4


def test_the_time_of_a_put_is_that_of_the_last_one(blobs: BlobStore) -> None:
    before = time.time() - 1.5  # object stores tell whole seconds
    blobs.put("images/ab/1.jpg", b"x")
    blobs.put("images/cd/2.jpg", b"x")
    (key, first), *_ = blobs.written("images/ab/")
    assert key == "images/ab/1.jpg"
    assert before <= first <= time.time() + 1
    time.sleep(1.1)
    blobs.put("images/ab/1.jpg", b"x")
    assert dict(blobs.written())["images/ab/1.jpg"] > first
    assert [key for key, _ in blobs.written("images/")] == ["images/ab/1.jpg", "images/cd/2.jpg"]
    assert list(blobs.written("nothing/")) == []


@pytest.mark.parametrize(
    "key",
    [
        "",
        "../x",
        "a/../../x",
        "/etc/passwd",
        "a//b",
        "a/",
        "A.jpg",
        "a b",
        "a\x00b",
        ".partial/x",
        "a/.b",
        "é",
        "a" * 201,
    ],
)
def test_a_key_that_could_lead_elsewhere_is_refused(blobs: BlobStore, key: str) -> None:
    for use in (blobs.get, blobs.delete, blobs.exists, lambda name: blobs.put(name, b"x")):
        with pytest.raises(BlobKeyError):
            use(key)
    assert list(blobs.keys()) == []


def test_threads_that_put_the_same_and_others_leave_whole_blobs(blobs: BlobStore) -> None:
    def work(number: int) -> None:
        for turn in range(5):
            data = bytes([number]) * 50_000
            blobs.put("images/shared.jpg", data)
            blobs.put(f"images/{number}/{turn}.jpg", data)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(blobs.get("images/shared.jpg"))) == 1
    assert len(blobs.get("images/shared.jpg")) == 50_000
    assert len(list(blobs.keys())) == 21


def test_without_an_address_pictures_lie_in_the_home_for_their_owner_only(tmp_path: Path) -> None:
    open_blobs(None, tmp_path).put(KEY, b"x")
    file = tmp_path / "blobs" / KEY
    assert file.read_bytes() == b"x"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "blobs").stat().st_mode) == 0o700


def test_a_file_address_is_a_folder(tmp_path: Path) -> None:
    opened = open_blobs(f"file://{tmp_path}/there", tmp_path / "home", durable=True)
    opened.put(KEY, b"x")
    assert (tmp_path / "there" / KEY).read_bytes() == b"x"


def test_an_unknown_kind_of_address_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nonsense://x"):
        open_blobs("nonsense://x", tmp_path)


@pytest.mark.service
def test_a_bucket_that_is_not_there_is_said(s3_bucket: str, tmp_path: Path) -> None:
    blobs = open_blobs("s3://there-is-none/prefix", tmp_path)
    for use in (lambda: blobs.put(KEY, b"x"), lambda: blobs.get(KEY), lambda: list(blobs.keys())):
        with pytest.raises(BlobsError, match="no such bucket"):
            use()


def test_a_folder_that_went_away_is_not_taken_for_missing_blobs(tmp_path: Path) -> None:
    blobs = open_blobs(None, tmp_path)
    blobs.put(KEY, b"x")
    (tmp_path / "blobs").rename(tmp_path / "elsewhere")
    with pytest.raises(BlobsError, match="can't be used"):
        blobs.get(KEY)
    with pytest.raises(BlobsError, match="can't be used"):
        blobs.put(KEY, b"x")
    (tmp_path / "elsewhere").rename(tmp_path / "blobs")
    assert blobs.get(KEY) == b"x"


def test_a_file_in_the_folders_place_is_said(tmp_path: Path) -> None:
    (tmp_path / "blobs").write_bytes(b"")
    with pytest.raises(BlobsError, match="can't be used"):
        open_blobs(None, tmp_path)


def test_no_room_is_told_apart_and_leaves_what_was_there(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    blobs = open_blobs(None, tmp_path)
    blobs.put(KEY, b"before")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(StorageFullError, match="no room left"):
            blobs.put(KEY, bytes(5000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)
    assert blobs.get(KEY) == b"before"
    assert not any((tmp_path / "blobs" / ".partial").iterdir())


KILLED = """
import hashlib, sys
from pathlib import Path
from nevus.store.blobs import open_blobs
blobs = open_blobs(None, Path(sys.argv[1]))
number = 0
while True:
    data = number.to_bytes(4, "big") * 50_000
    key = f"images/{hashlib.sha256(data).hexdigest()}.jpg"
    blobs.put(key, data)
    print(key, flush=True)
    number += 1
"""


def test_after_a_kill_every_blob_is_whole_and_none_that_was_put_is_gone(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True) as process:
        said = [process.stdout.readline().strip() for _ in range(20)]
        process.kill()
        said += process.stdout.read().split()
    blobs = open_blobs(None, tmp_path)
    found = list(blobs.keys())
    assert set(said) <= set(found)
    for key in found:
        assert f"images/{hashlib.sha256(blobs.get(key)).hexdigest()}.jpg" == key


def test_what_a_kill_left_half_written_is_cleared_away_later(tmp_path: Path) -> None:
    partial = tmp_path / "blobs" / ".partial"
    open_blobs(None, tmp_path)
    (partial / "old").write_bytes(b"half")
    (partial / "being-written").write_bytes(b"half")
    os.utime(partial / "old", (time.time() - 7200,) * 2)
    blobs = open_blobs(None, tmp_path)
    assert [path.name for path in partial.iterdir()] == ["being-written"]
    assert isinstance(blobs, FolderBlobs)
    assert list(blobs.keys()) == []
