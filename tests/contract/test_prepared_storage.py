"""What every place for prepared images must do, whether a local folder or an object store."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import s3fs
import simplejpeg

from nevus.data.prepare import PreparedError, PreparedImages, PrepareSettings, prepare
from nevus.data.prepare.storage import PreparedStorage, open_storage
from nevus.errors import InputError, StorageFullError

CONTENT = b"some bytes of a shard"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(params=["local", pytest.param("s3", marks=pytest.mark.service)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a place where nothing is yet."""
    if request.param == "local":
        return str(tmp_path / "prepared")
    return request.getfixturevalue("s3_bucket") + "/some/prefix"


@pytest.fixture
def storage(place: str) -> PreparedStorage:
    return open_storage(place)


def put(storage: PreparedStorage, name: str, content: bytes = CONTENT) -> None:
    with storage.writing(name) as out:
        out.write(content)


def fail_after(storage: PreparedStorage, content: bytes) -> None:
    with storage.writing("a") as out:
        out.write(content)
        raise KeyboardInterrupt


def test_what_was_written_is_read_again(storage: PreparedStorage) -> None:
    put(storage, "a")
    assert storage.read("a") == CONTENT


def test_the_sink_counts_and_hashes_what_it_is_given(storage: PreparedStorage) -> None:
    with storage.writing("a") as out:
        out.write(CONTENT[:5])
        out.write(memoryview(CONTENT)[5:])
        assert (out.bytes, out.sha256) == (len(CONTENT), SHA256)


def test_a_file_is_replaced_as_a_whole(storage: PreparedStorage) -> None:
    put(storage, "a", b"a longer first version")
    put(storage, "a", b"short")
    assert storage.read("a") == b"short"


def test_a_missing_file_is_not_found(storage: PreparedStorage) -> None:
    with pytest.raises(FileNotFoundError):
        storage.read("a")
    assert storage.names() == []


def test_names_are_sorted_and_those_of_this_place_only(storage: PreparedStorage) -> None:
    for name in ("b", "a", "c"):
        put(storage, name)
    assert storage.names() == ["a", "b", "c"]


def test_removing_needs_nothing_to_be_there(storage: PreparedStorage) -> None:
    put(storage, "a")
    storage.remove("a")
    storage.remove("a")
    assert storage.names() == []


def test_before_the_end_nothing_is_there(storage: PreparedStorage) -> None:
    with storage.writing("a") as out:
        out.write(CONTENT)
        assert not storage.intact("a", size=len(CONTENT), sha256=SHA256)
    assert storage.intact("a", size=len(CONTENT), sha256=SHA256)


@pytest.mark.parametrize("size", [10, 20 << 20], ids=["small", "of several blocks"])
def test_a_failure_leaves_what_was_there_before(storage: PreparedStorage, size: int) -> None:
    put(storage, "a", b"before")
    with pytest.raises(KeyboardInterrupt):
        fail_after(storage, bytes(size))
    assert storage.read("a") == b"before"
    assert storage.names() == ["a"]


def test_files_of_several_blocks_arrive_whole(storage: PreparedStorage) -> None:
    content = np.random.default_rng(0).bytes(35 << 20)
    with storage.writing("a") as out:
        for start in range(0, len(content), 1_000_003):
            out.write(content[start : start + 1_000_003])
    assert storage.read("a") == content


def test_no_room_is_told_apart_from_other_failures(storage: PreparedStorage) -> None:
    with pytest.raises(StorageFullError, match="no room left"), storage.writing("a"):
        raise OSError(28, "No space left on device")
    with pytest.raises(ValueError, match="nothing to do with room"), storage.writing("a"):
        raise ValueError("nothing to do with room")
    assert storage.names() == []


def test_a_file_of_another_size_is_not_intact(storage: PreparedStorage) -> None:
    put(storage, "a")
    assert storage.intact("a", size=len(CONTENT), sha256=SHA256)
    assert not storage.intact("a", size=len(CONTENT) + 1, sha256=SHA256)
    assert not storage.intact("b", size=len(CONTENT), sha256=SHA256)


def test_a_local_path_holds_the_content(storage: PreparedStorage, tmp_path: Path) -> None:
    put(storage, "a")
    for _ in range(2):
        path = storage.local_path("a", size=len(CONTENT), sha256=SHA256, cache=tmp_path / "cache")
        assert path.read_bytes() == CONTENT
    with pytest.raises(FileNotFoundError):
        storage.local_path("b", size=1, sha256=SHA256, cache=tmp_path / "cache")


@pytest.fixture
def table(tmp_path: Path) -> pl.DataFrame:
    rows = []
    for k in range(10):
        pixels = np.random.default_rng(k).integers(0, 256, (40, 60, 3), np.uint8)
        path = tmp_path / f"{k}.jpg"
        path.write_bytes(simplejpeg.encode_jpeg(pixels))
        rows.append((f"im_{k}", str(path), None))
    return pl.DataFrame(rows, schema={"image_id": pl.String, "uri": pl.String, "sha256": pl.String}, orient="row")


SETTINGS = PrepareSettings(short_side=32, images_per_shard=4, workers=2)


def test_shards_are_the_same_bytes_everywhere(place: str, table: pl.DataFrame, tmp_path: Path) -> None:
    prepare(table, SETTINGS, place)
    prepare(table, SETTINGS, tmp_path / "reference")
    there, here = open_storage(place), open_storage(tmp_path / "reference")
    assert there.names() == here.names() == ["index.json", *(f"shard-{k:05d}.arrow" for k in range(3))]
    assert all(there.read(name) == here.read(name) for name in here.names())


def test_a_run_that_failed_continues(place: str, table: pl.DataFrame) -> None:
    def stop(done: int, total: int) -> None:
        if done == 7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(table, SETTINGS, place, stop)
    with pytest.raises(PreparedError, match="not finished: 1 of 3 shards"):
        PreparedImages.open(place)
    assert prepare(table, SETTINGS, place).kept == 1
    assert prepare(table, SETTINGS, place).kept == 3


def test_images_are_read_back(place: str, table: pl.DataFrame, tmp_path: Path) -> None:
    prepare(table, SETTINGS, place)
    prepare(table, SETTINGS, tmp_path / "reference")
    there = PreparedImages.open(place, cache=tmp_path / "cache")
    here = PreparedImages.open(tmp_path / "reference")
    assert there.ids == here.ids
    assert there.fingerprint == here.fingerprint
    assert all(np.array_equal(there.pixels(k), here.pixels(k)) for k in range(10))


def test_other_settings_are_refused(place: str, table: pl.DataFrame) -> None:
    prepare(table, SETTINGS, place)
    with pytest.raises(PreparedError, match=r"quality was 95, now 80.*delete this one"):
        prepare(table, SETTINGS.model_copy(update={"quality": 80}), place)


@pytest.mark.service
def test_a_remote_shard_is_fetched_once_and_checked(s3_bucket: str, table: pl.DataFrame, tmp_path: Path) -> None:
    place, cache = s3_bucket + "/p", tmp_path / "cache"
    prepare(table, SETTINGS, place)
    PreparedImages.open(place, cache=cache)
    times = {path: path.stat().st_mtime_ns for path in cache.iterdir()}
    assert len(times) == 3
    PreparedImages.open(place, cache=cache)
    assert {path: path.stat().st_mtime_ns for path in cache.iterdir()} == times


@pytest.mark.service
def test_a_remote_shard_with_other_bytes_is_refused(s3_bucket: str, table: pl.DataFrame, tmp_path: Path) -> None:
    place = s3_bucket + "/p"
    prepare(table, SETTINGS, place)
    storage = open_storage(place)
    put(storage, "shard-00001.arrow", bytes(len(storage.read("shard-00001.arrow"))))
    with pytest.raises(OSError, match=re.escape(f"{place}/shard-00001.arrow is not what its index promises")):
        PreparedImages.open(place, cache=tmp_path / "cache")
    assert not [path for path in (tmp_path / "cache").iterdir() if "00001" in path.name]


@pytest.mark.service
def test_a_bucket_that_does_not_exist_is_named(s3_bucket: str, table: pl.DataFrame) -> None:
    with pytest.raises(InputError, match=f"{s3_bucket}-gone/p: there is no such bucket"):
        prepare(table, SETTINGS, f"{s3_bucket}-gone/p")


@pytest.mark.service
def test_a_store_that_does_not_answer_is_named(
    s3_bucket: str, table: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    s3fs.S3FileSystem.clear_instance_cache()
    with pytest.raises(InputError, match=r"can't be reached .*AWS_ENDPOINT_URL"):
        prepare(table, SETTINGS, f"{s3_bucket}/p")


@pytest.mark.service
def test_images_in_a_bucket_are_prepared_from_there(s3_bucket: str, table: pl.DataFrame, tmp_path: Path) -> None:
    images = open_storage(s3_bucket + "/images")
    for image_id, uri, _ in table.iter_rows():
        put(images, f"{image_id}.jpg", Path(uri).read_bytes())
    remote = table.with_columns(uri=pl.format(s3_bucket + "/images/{}.jpg", pl.col("image_id")))
    prepare(remote, SETTINGS, s3_bucket + "/p")
    prepare(table, SETTINGS, tmp_path / "reference")
    there, here = (PreparedImages.open(uri, tmp_path / "cache") for uri in (s3_bucket + "/p", tmp_path / "reference"))
    assert all(np.array_equal(there.pixels(k), here.pixels(k)) for k in range(10))
