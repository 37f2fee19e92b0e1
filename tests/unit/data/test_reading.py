"""One function reads an image's bytes, wherever they are."""

from __future__ import annotations

import threading
from pathlib import Path

import h5py
import numpy as np
import pytest

from nevus.data.reading import (
    MissingImageError,
    UnreachableImageError,
    holds_credentials,
    read_bytes,
    split_container,
)
from nevus.errors import InputError


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "images.hdf5"
    with h5py.File(path, "w") as file:
        for number in range(50):
            file.create_dataset(f"ISIC_{number}", data=np.void(bytes([number, 0, 255]) * 9))
        file.create_dataset("as_bytes", data=b"text\xff")
        file.create_dataset("as_numbers", data=np.arange(5, dtype=np.uint8))
    return path


def test_a_file_is_read_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "übung #1.jpg"
    path.write_bytes(b"\x00\xff content")
    assert read_bytes(str(path)) == b"\x00\xff content"


def test_a_key_of_an_hdf5_file_is_read(archive: Path) -> None:
    assert read_bytes(f"{archive}#ISIC_7") == bytes([7, 0, 255]) * 9
    assert read_bytes(f"{archive}#as_numbers") == bytes(range(5))


def test_trailing_zero_bytes_of_an_image_are_kept(archive: Path) -> None:
    with h5py.File(archive, "a") as file:
        file.create_dataset("zeros", data=np.void(b"\xff\x00\x00"))
    assert read_bytes(f"{archive}#zeros") == b"\xff\x00\x00"


def test_threads_read_one_archive_at_the_same_time(archive: Path) -> None:
    found: dict[int, list[bytes]] = {}

    def work(number: int) -> None:
        found[number] = [read_bytes(f"{archive}#ISIC_{n}") for n in range(50)]

    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(found[n] == [bytes([k, 0, 255]) * 9 for k in range(50)] for n in range(6))


@pytest.mark.parametrize("missing", ["nowhere.jpg", "nowhere.hdf5#key"])
def test_what_is_missing_is_named(tmp_path: Path, missing: str) -> None:
    with pytest.raises(MissingImageError, match=r"nowhere.*no such file"):
        read_bytes(str(tmp_path / missing))


def test_a_key_that_is_missing_is_named(archive: Path) -> None:
    with pytest.raises(MissingImageError, match=r"images\.hdf5 has no image ISIC_99"):
        read_bytes(f"{archive}#ISIC_99")


def test_a_folder_or_a_broken_archive_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UnreachableImageError, match="can't be read"):
        read_bytes(str(tmp_path))
    broken = tmp_path / "broken.h5"
    broken.write_bytes(b"no HDF5 at all")
    with pytest.raises(UnreachableImageError, match="can't be read"):
        read_bytes(f"{broken}#key")


def test_errors_are_the_users_and_fit_the_builtin() -> None:
    assert issubclass(MissingImageError, InputError)
    assert issubclass(MissingImageError, FileNotFoundError)
    assert issubclass(UnreachableImageError, OSError)


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("/a/train.hdf5#ISIC_1", ("/a/train.hdf5", "ISIC_1")),
        ("s3://b/x.H5#k", ("s3://b/x.H5", "k")),
        ("/a/lesion #3.jpg", ("/a/lesion #3.jpg", None)),
        ("/a/plain.jpg", ("/a/plain.jpg", None)),
    ],
)
def test_only_hdf5_files_are_containers(uri: str, expected: tuple[str, str | None]) -> None:
    assert split_container(uri) == expected


@pytest.mark.service
def test_an_object_in_a_bucket_is_read(s3_bucket: str, archive: Path) -> None:
    import s3fs

    files = s3fs.S3FileSystem()
    files.pipe(f"{s3_bucket}/folder/a.jpg", b"\xff\xd8 image")
    files.put(str(archive), f"{s3_bucket}/images.hdf5")
    assert read_bytes(f"{s3_bucket}/folder/a.jpg") == b"\xff\xd8 image"
    assert read_bytes(f"{s3_bucket}/images.hdf5#ISIC_3") == bytes([3, 0, 255]) * 9
    with pytest.raises(MissingImageError):
        read_bytes(f"{s3_bucket}/folder/b.jpg")


@pytest.mark.parametrize(
    "uri",
    [
        "https://me:hush@host/a.jpg",
        "https://hush@host/a.jpg",
        "s3://AKIA:hu/sh+@bucket/a.jpg",
        "https://host/a.jpg?X-Amz-Date=1&X-Amz-Signature=hush",
        "https://host/a.jpg?sv=1&sig=hush",
        "https://host/a.jpg?access_token=hush",
    ],
)
def test_an_address_with_a_secret_is_known(uri: str) -> None:
    assert holds_credentials(uri)


@pytest.mark.parametrize(
    "uri",
    [
        "https://host:8080/a@b:c.jpg",
        "https://host:8080",
        "s3://bucket/a@b.jpg",
        "s3://bucket/a:b@c.jpg",
        "https://host/a.jpg?size=large&monkey=1&keyword=x",
        "/local/me:hush@host/a?token=1.jpg",
    ],
)
def test_an_address_without_a_secret_is_not_taken_for_one(uri: str) -> None:
    assert not holds_credentials(uri)
