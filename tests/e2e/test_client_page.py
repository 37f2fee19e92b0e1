"""The page on the client: each of its snippets, one after the other, against a service in a process of its own."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from documents import ROOT, blocks, codes, prose
from nevus.client import Client
from nevus.store import Registry, StoreSettings, open_store
from nevus.store.keys import ApiKeys
from rollout_factory import MODEL, approved, bundles, register
from serve_process import serve
from serving_factory import drawn

pytestmark = pytest.mark.slow

PAGE = ROOT / "docs" / "client.md"
ADDRESS = "http://127.0.0.1:8000"


@pytest.fixture
def clinic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with what the page speaks of; a store with a champion and a candidate, and two keys."""
    (tmp_path / "images").mkdir()
    for number in range(3):
        (tmp_path / "images" / f"{number}.jpg").write_bytes(drawn("nv", number))
    (tmp_path / "images" / "broken.jpg").write_bytes(b"?")
    (tmp_path / "lesion.jpg").write_bytes(drawn("mel", 1))
    (tmp_path / "closer.jpg").write_bytes(drawn("mel", 2))
    first, second = bundles(tmp_path)
    with open_store(StoreSettings(home=tmp_path / "home")) as store:
        Registry(store).promote(approved(store, first).ref, by="Dr. Test")
        register(store, second)
        for variable, role in (("NEVUS_KEY", "clinician"), ("NEVUS_ADMIN_KEY", "admin")):
            monkeypatch.setenv(variable, ApiKeys(store).create("Dr. Rossi", role, by="test")[0])
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_snippet_runs_and_says_what_the_page_says(clinic: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {}
    said: list[str] = []
    with serve(clinic / "home") as server:
        for block in blocks(PAGE, "python"):
            source = "\n" * (block.line - 1) + block.text.replace(ADDRESS, server.url)
            exec(compile(source, str(PAGE), "exec"), names)  # line numbers of the page
            said.append(capsys.readouterr().out)
        (diagnoses,) = re.findall(r"^\[.*\]$", "".join(said), re.MULTILINE)[-1:]
        assert diagnoses == "['nv', 'mel']"
        client: Client = names["nevus"]
        assert client.rollout().champion == 1  # promoted, and rolled back
        assert len(names["of_one_patient"]) == 3
        assert (names["batch"].totals.images, names["batch"].totals.errors) == (4, 1)
        assert [len(names["taken"].accepted), names["taken"].rejected] == [2, []]
        assert (clinic / "evidence.png").read_bytes().startswith(b"\x89PNG")
        assert "422 image" in said[-2]
        assert "Is the service running?" in said[-2]
        assert [version.state for version in client.models().models if version.model == MODEL]
        client.close()


def test_the_page_names_every_method_of_the_client() -> None:
    text = " ".join([*codes(prose(PAGE)), *(block.text for block in blocks(PAGE, "python"))])
    public = {name for name in dir(Client) if not name.startswith("_")}
    assert {name for name in public if not re.search(rf"\b{name}\b", text)} == set()
