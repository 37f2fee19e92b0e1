"""Fetching: offline it says in seconds what to do; online isic-cli brings, and nevus verifies and continues."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from dataset_layouts import STORY, picture
from isic_server import IsicServer, serving
from nevus.data.checks import check_manifest
from nevus.data.fetch import PLANS, CredentialsError, FetchError, OfflineError, UnknownDatasetError, fetch
from nevus.data.fetch.client import folder_watch, run_client
from nevus.data.fetch.probe import unreachable
from nevus.data.fetch.verification import check_files, read_sums, write_sums
from nevus.data.settings import CheckSettings, DataSettings
from nevus.data.sources import open_source
from nevus.errors import StorageFullError

IMAGES = {case.image_id: picture(case) for case in STORY}
NOBODY = "http://127.0.0.1:9"


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every host is asked for through a proxy that isn't there, as in a clinic without internet."""
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, NOBODY)
    for name in ("no_proxy", "NO_PROXY", "ISIC_DEV"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("name", PLANS)
def test_without_network_it_says_in_seconds_what_to_get_and_where_to_put_it(
    offline: None, tmp_path: Path, name: str
) -> None:
    folder = tmp_path / name
    began = time.monotonic()
    with pytest.raises(OfflineError) as raised:
        fetch(name, folder)
    assert time.monotonic() - began < 6
    message = str(raised.value)
    assert PLANS[name].by_hand in message
    assert PLANS[name].by_hand_files in message
    assert f"data.source={PLANS[name].by_hand_source} and data.root={folder}" in message
    assert not folder.exists()


def test_an_unknown_name_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UnknownDatasetError, match=r"no dataset 'ham' to fetch.*ham10000, isic2019"):
        fetch("ham", tmp_path)


def test_a_file_in_the_folders_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("x")
    with pytest.raises(ValueError, match="is a file; name a folder"):
        fetch("ham10000", tmp_path / "data")


def test_kaggle_wants_a_token(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    if importlib.util.find_spec("kaggle") is None:
        pytest.skip("needs nevus[fetch]")
    from nevus.data.fetch.kaggle import KaggleClient

    for name in ("KAGGLE_API_TOKEN", "KAGGLE_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(tmp_path))
    client = KaggleClient(PLANS["isic2024"])
    with pytest.raises(CredentialsError, match="KAGGLE_API_TOKEN"):
        client.prepare()
    (tmp_path / "access_token").write_text("secret")
    client.prepare()


def test_kaggles_packed_files_are_unpacked_and_fit_each_other(tmp_path: Path) -> None:
    import zipfile

    import h5py
    import numpy as np

    from nevus.data.fetch.kaggle import KaggleClient

    client = KaggleClient(PLANS["isic2024"])
    with h5py.File(tmp_path / "train-image.hdf5", "w") as archive:
        for case in STORY:
            archive.create_dataset(case.image_id, data=np.void(picture(case)))
    with zipfile.ZipFile(tmp_path / "train-metadata.csv.zip", "w") as packed:
        packed.writestr("train-metadata.csv", "isic_id\n" + "".join(f"{case.image_id}\n" for case in STORY))
        packed.writestr("../elsewhere.csv", "not ours")
    client.finish(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["train-image.hdf5", "train-metadata.csv"]
    assert client.count(tmp_path) == 5
    assert client.commands(tmp_path) == []
    (tmp_path / "train-metadata.csv").write_text("isic_id\nISIC_1\n")
    with pytest.raises(FetchError, match=r"1 rows and train-image\.hdf5 5 images"):
        client.count(tmp_path)


@pytest.fixture
def isic(monkeypatch: pytest.MonkeyPatch) -> Iterator[IsicServer]:
    """The real isic-cli, led to a server on this machine."""
    pytest.importorskip("isic_cli", reason="needs nevus[fetch]")
    monkeypatch.setenv("ISIC_DEV", "1")
    monkeypatch.setitem(PLANS, "ham10000", replace(PLANS["ham10000"], images=5, gigabytes=1e-6))  # type: ignore[arg-type]
    try:
        with serving(dict(IMAGES)) as server:
            yield server
    except OSError as error:
        pytest.skip(f"isic-cli looks for its server on port 8000, which is taken here ({error})")


@pytest.mark.service
def test_isic_cli_brings_a_dataset_that_can_be_read_and_brings_it_once(isic: IsicServer, tmp_path: Path) -> None:
    told: list[tuple[int, int, str]] = []
    fetched = fetch("ham10000", tmp_path / "ham", lambda *what: told.append(what))
    assert (fetched.images, fetched.already, fetched.source) == (5, False, "isic_archive")
    assert told[-1] == (5, 5, "files verified")
    root = Path(fetched.folder)
    assert {name: (root / f"{name}.jpg").read_bytes() for name in IMAGES} == IMAGES
    settings = DataSettings(source="isic_archive", root=fetched.folder)
    result = check_manifest(open_source(settings.each()[0]).read(), CheckSettings())
    assert (result.accepted.height, result.accepted["diagnosis"].unique().to_list()) == (5, ["nv"])
    isic.downloads.clear()
    assert fetch("ham10000", tmp_path / "ham").already
    assert isic.downloads == []


@pytest.mark.service
def test_an_incomplete_download_fails_and_the_same_command_continues(isic: IsicServer, tmp_path: Path) -> None:
    isic.broken = {"ISIC_0000003", "ISIC_0000005"}
    with pytest.raises(FetchError, match="2 of 5 files of ham10000 have not come whole, such as ISIC_0000003"):
        fetch("ham10000", tmp_path / "ham")
    isic.broken = set()
    isic.downloads.clear()
    assert not fetch("ham10000", tmp_path / "ham").already
    assert sorted(isic.downloads) == ["ISIC_0000003", "ISIC_0000005"]


@pytest.mark.service
def test_a_file_that_changed_or_was_cut_is_brought_again(isic: IsicServer, tmp_path: Path) -> None:
    """isic-cli itself compares sizes only."""
    fetch("ham10000", tmp_path / "ham")
    changed, cut = tmp_path / "ham" / "ISIC_0000001.jpg", tmp_path / "ham" / "ISIC_0000002.jpg"
    content = bytearray(changed.read_bytes())
    content[400] ^= 255
    changed.write_bytes(content)
    cut.write_bytes(cut.read_bytes()[:300])
    isic.downloads.clear()
    assert not fetch("ham10000", tmp_path / "ham").already
    assert sorted(isic.downloads) == ["ISIC_0000001", "ISIC_0000002"]
    assert changed.read_bytes() == IMAGES["ISIC_0000001"]


@pytest.mark.service
def test_a_dataset_that_lacks_images_is_not_called_whole(isic: IsicServer, tmp_path: Path) -> None:
    isic.images.pop("ISIC_0000004")
    with pytest.raises(FetchError, match="has 5 images, but only 4 have come"):
        fetch("ham10000", tmp_path / "ham")


def test_another_dataset_in_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "fetched.json").write_text('{"name": "ham10000"}')
    with pytest.raises(ValueError, match="holds the dataset ham10000; choose another folder for isic2019"):
        fetch("isic2019", tmp_path)


@pytest.mark.service
def test_too_little_room_is_said_before_anything_is_loaded(
    isic: IsicServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PLANS, "ham10000", replace(PLANS["ham10000"], gigabytes=1e9))  # type: ignore[arg-type]
    with pytest.raises(StorageFullError, match=r"needs about 1000000000\.0 GB more"):
        fetch("ham10000", tmp_path / "ham")
    assert isic.downloads == []


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_a_client_that_stalls_is_stopped(tmp_path: Path) -> None:
    began = time.monotonic()
    with pytest.raises(FetchError, match="nothing has come for 1 seconds"):
        run_client(python("import time; time.sleep(60)"), folder_watch(tmp_path), stalled_seconds=1)
    assert time.monotonic() - began < 20


def test_a_client_that_gets_on_slowly_is_let_go_on(tmp_path: Path) -> None:
    code = (
        "import time, pathlib\n"
        f"for n in range(4): pathlib.Path({str(tmp_path)!r}, f'{{n}}.jpg').write_bytes(b'x'); time.sleep(1)"
    )
    told: list[int] = []
    run_client(python(code), folder_watch(tmp_path), progress=told.append, stalled_seconds=2.5)
    assert told[-1] >= 3


def test_what_a_failing_client_said_is_passed_on(tmp_path: Path) -> None:
    code = "import sys; print('the key is wrong'); sys.exit(3)"
    with pytest.raises(FetchError, match=r"code 3\. It said last: the key is wrong"):
        run_client(python(code), folder_watch(tmp_path))


def test_a_client_cannot_wait_for_an_answer(tmp_path: Path) -> None:
    with pytest.raises(FetchError, match="EOFError"):
        run_client(python("input('continue? ')"), folder_watch(tmp_path))


def test_a_probe_knows_who_answers(offline: None) -> None:
    assert unreachable("https://api.isic-archive.com/api/v2/") is not None
    assert unreachable("file:///etc/hostname") is not None


def test_checksums_are_in_the_form_of_sha256sum(tmp_path: Path) -> None:
    (tmp_path / "a b.jpg").write_bytes(IMAGES["ISIC_0000001"])
    sums = {"a b.jpg": hashlib.sha256(IMAGES["ISIC_0000001"]).hexdigest()}
    write_sums(tmp_path, sums)
    assert (tmp_path / "SHA256SUMS").read_text() == f"{sums['a b.jpg']}  a b.jpg\n"
    assert read_sums(tmp_path) == sums


def test_only_whole_files_are_counted(tmp_path: Path) -> None:
    whole = IMAGES["ISIC_0000001"]
    files = {
        "whole.jpg": whole,
        "cut.jpg": whole[:-200],
        "text.jpg": b"<html>no</html>",
        "empty.csv": b"",
        "t.csv": b"x",
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    found, broken = check_files(tmp_path, [*files, "absent.jpg"], {"t.csv": hashlib.sha256(b"y").hexdigest()})
    assert sorted(found) == ["whole.jpg"]
    assert sorted(broken) == ["absent.jpg", "cut.jpg", "empty.csv", "t.csv", "text.jpg"]
