"""A service that keeps its pictures elsewhere, and the commands beside it, which must look there too."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path

import pytest

from nevus.store.blobs import BlobStore, open_blobs
from nevus.store.picture_place import MARK
from serve_process import ServeProcess, free_port, serve
from serving_factory import drawn, tiny_bundle
from tiny_run import Done, nevus

VARIABLE = "NEVUS_SERVING__BLOBS"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_bundle(tmp_path_factory.mktemp("bundle") / "tiny")


@pytest.fixture(params=["folder", pytest.param("s3", marks=pytest.mark.service)])
def elsewhere(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a place beyond the home folder."""
    if request.param == "folder":
        return str(tmp_path / "elsewhere")
    return f"{request.getfixturevalue('s3_bucket')}/pictures"


def predict(server: ServeProcess, number: int, patient: str) -> None:
    head = {"Content-Type": "image/jpeg"}
    url = f"{server.url}/v1/predictions?patient={patient}"
    with urllib.request.urlopen(urllib.request.Request(url, drawn("nv", number), head)) as answered:
        assert answered.status == 200


def pictures(place: BlobStore) -> set[str]:
    return set(place.keys()) - {MARK}


def items(done: Done) -> dict[str, int]:
    assert done.code == 0, done.err
    return {place["place"]: place["items"] for place in json.loads(done.out)["places"]}


def test_the_commands_look_where_the_environment_lets_the_service_keep_pictures(
    tmp_path: Path, bundle: Path, elsewhere: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, secret = tmp_path / "home", tmp_path / "pseudonyms.txt"
    secret.write_text("ab" * 32)
    monkeypatch.setenv(VARIABLE, elsewhere)
    monkeypatch.setenv("NEVUS_SERVING__PSEUDONYM_FILE", str(secret))
    place = open_blobs(elsewhere, home)
    with serve(home, "--bundle", str(bundle)) as server:
        predict(server, 1, "ERC")
        predict(server, 2, "another")
        counted = json.loads(nevus("pictures", "--json", "--home", home, home=home).out)
        assert counted["place"] == place.uri
        copied = json.loads(nevus("backup", tmp_path / "a.tar", "--json", "--home", home, home=home).out)
        assert copied["pictures"] + copied["elsewhere"] == 2
        found = items(nevus("erase", "--patient", "ERC", "--json", "--home", home, home=home))
        assert (found["pictures"], found["predictions"]) == (1, 1)
        assert len(pictures(place)) == 1
        assert set(items(nevus("erase", "--patient", "ERC", "--json", "--home", home, home=home)).values()) == {0}


def test_a_place_that_differs_from_the_services_is_refused_and_nothing_goes(
    tmp_path: Path, bundle: Path, elsewhere: str
) -> None:
    home = tmp_path / "home"
    place = open_blobs(elsewhere, home)
    with serve(home, "--bundle", str(bundle), "--set", f"blobs={elsewhere}") as server:
        predict(server, 1, "ERC")
    commands = (("erase", "--patient", "ERC"), ("backup", tmp_path / "a.tar"), ("pictures", "--delete-loose"))
    for command in (*commands, ("serve", "--bundle", bundle, "--port", free_port())):
        refused = nevus(*command, "--home", home, home=home)
        assert (refused.code, place.uri in refused.err, "blobs" in refused.err) == (2, True, True), refused
    assert len(pictures(place)) == 1
    named = nevus("erase", "--patient", "ERC", "--json", "--home", home, "--blobs", elsewhere, home=home)
    assert (items(named)["pictures"], items(named)["predictions"]) == (1, 1)
    assert pictures(place) == set()


def test_a_backup_is_restored_to_where_the_service_will_look(
    tmp_path: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, there, first, second = (tmp_path / name for name in ("home", "there", "first", "second"))
    monkeypatch.setenv(VARIABLE, str(first))
    with serve(home, "--bundle", str(bundle)) as server:
        predict(server, 1, "ERC")
    assert nevus("backup", tmp_path / "a.tar", "--with-secrets", "--home", home, home=home).code == 0
    refused = nevus("restore", tmp_path / "a.tar", "--home", there, home=home)
    assert (refused.code, str(first) in refused.err, there.exists()) == (2, True, False)  # another store is using it
    monkeypatch.setenv(VARIABLE, str(second))
    done = nevus("restore", tmp_path / "a.tar", "--home", there, home=home)
    assert (done.code, f"1 pictures in {second}" in done.out) == (0, True)
    with serve(there, "--bundle", str(bundle)):
        found = items(nevus("erase", "--patient", "ERC", "--json", "--home", there, home=there))
    assert (found["pictures"], found["predictions"]) == (1, 1)
    assert (len(pictures(open_blobs(str(first), home))), pictures(open_blobs(str(second), home))) == (1, set())
