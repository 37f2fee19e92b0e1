"""A bundle is written whole or not at all, and only if graph and description fit together."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from tests.graphs import METADATA, make_tiny_bundle, make_tiny_graph, make_tiny_manifest

from nevus.bundle import BundleError, Predictor, bundle_digest, verify_checksums, write_bundle
from nevus.bundle import write as writing


def names(folder: Path) -> set[str]:
    return {p.name for p in folder.iterdir()}


def test_a_written_bundle_is_whole_and_runs(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "bundle"
    digest = write_bundle(target, make_tiny_manifest(), make_tiny_graph(), files={"card.md": b"# card"})
    assert verify_checksums(target) == digest
    assert (target / "card.md").read_bytes() == b"# card"
    assert Predictor(target).digest == digest
    assert names(target.parent) == {"bundle"}


def test_a_graph_may_be_given_as_a_file(tmp_path: Path) -> None:
    source = tmp_path / "any name.onnx"
    source.write_bytes(make_tiny_graph())
    from_file = write_bundle(tmp_path / "a", make_tiny_manifest(), source)
    assert from_file == write_bundle(tmp_path / "b", make_tiny_manifest(), make_tiny_graph())


def test_the_same_contents_have_the_same_digest_and_others_another(tmp_path: Path) -> None:
    first, second = make_tiny_bundle(tmp_path / "a"), make_tiny_bundle(tmp_path / "b")
    other = make_tiny_bundle(tmp_path / "c", threshold=0.41)
    assert bundle_digest(first) == bundle_digest(second) != bundle_digest(other)


def test_files_can_be_read_by_others(tmp_path: Path) -> None:
    """A server runs as another user than the one who wrote the bundle."""
    bundle = make_tiny_bundle(tmp_path / "b")
    probe = tmp_path / "probe"
    probe.touch()
    for path in bundle.rglob("*"):
        if path.is_file():
            assert path.stat().st_mode == probe.stat().st_mode, path


def test_an_older_bundle_is_replaced(tmp_path: Path) -> None:
    target = make_tiny_bundle(tmp_path / "b", files={"old.txt": b"old"})
    digest = write_bundle(target, make_tiny_manifest(threshold=0.3), make_tiny_graph())
    assert verify_checksums(target) == digest
    assert names(tmp_path) == {"b"}


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_something_else_is_not_replaced(tmp_path: Path, kind: str) -> None:
    target = tmp_path / "thesis"
    kept = target if kind == "file" else target / "chapter.txt"
    kept.parent.mkdir(exist_ok=True)
    kept.write_text("years of work")
    with pytest.raises(BundleError, match="is not a bundle, so it is not replaced"):
        make_tiny_bundle(target)
    assert kept.read_text() == "years of work"


def test_a_full_disk_leaves_the_older_bundle_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = make_tiny_bundle(tmp_path / "b")
    digest = bundle_digest(target)

    def full(*_: object) -> str:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(writing, "write_checksums", full)
    with pytest.raises(OSError, match="No space left"):
        make_tiny_bundle(target, threshold=0.3)
    assert verify_checksums(target) == digest
    assert names(tmp_path) == {"b"}


@pytest.mark.parametrize(
    ("manifest", "graph", "message"),
    [
        (make_tiny_manifest(), b"not a graph", "can't be loaded"),
        (make_tiny_manifest(), make_tiny_graph(("mel", "nv")), "for 3 classes"),
        (make_tiny_manifest(), make_tiny_graph(outputs=("logits",)), "lacks the output"),
        (make_tiny_manifest(outputs=("probabilities", "shap")), make_tiny_graph(), "lacks the output shap"),
        (make_tiny_manifest(), make_tiny_graph(metadata=9), "takes 9 metadata values"),
        (make_tiny_manifest(metadata=METADATA), make_tiny_graph(metadata=9), "encodes 8"),
        (make_tiny_manifest(malignant=("scc",)), make_tiny_graph(), "scc"),
        (make_tiny_manifest(default_operating_point="typo"), make_tiny_graph(), "'typo'"),
        (make_tiny_manifest(), make_tiny_graph(size=(40, 64)), "can't be run on an input of 48 x 64"),
    ],
    ids=["no graph", "classes", "no probabilities", "output", "metadata", "encoder", "malignant", "point", "size"],
)
def test_what_does_not_fit_together_is_refused(tmp_path: Path, manifest: object, graph: bytes, message: str) -> None:
    with pytest.raises(BundleError, match=message):
        write_bundle(tmp_path / "b", manifest, graph)
    assert names(tmp_path) == set()


@pytest.mark.parametrize("name", ["../outside", "/absolute", "model.onnx", "bundle.json", "SHA256SUMS", "selftest/x"])
def test_further_files_stay_in_their_place(tmp_path: Path, name: str) -> None:
    with pytest.raises(BundleError, match="can't be the name"):
        make_tiny_bundle(tmp_path / "b", files={name: b""})
