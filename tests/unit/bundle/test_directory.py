"""A bundle is whole, or the message names what isn't."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.graphs import make_tiny_bundle

from nevus.bundle import BundleError, bundle_digest, read_bundle_manifest, verify_checksums, write_checksums


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundles")
    return make_tiny_bundle(folder / "tiny", files={"card.md": b"# card\n", "metrics.json": b"{}"})


@pytest.fixture
def bundle(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "bundle"))


def test_the_digest_is_that_of_the_sorted_checksums(bundle: Path) -> None:
    content = (bundle / "SHA256SUMS").read_bytes()
    names = [line.split("  ")[1] for line in content.decode().splitlines()]
    assert names == sorted(names)
    assert set(names) == {
        "bundle.json",
        "card.md",
        "metrics.json",
        "model.onnx",
        "selftest/cases.safetensors",
        "selftest/tolerances.json",
    }
    assert bundle_digest(bundle) == verify_checksums(bundle) == hashlib.sha256(content).hexdigest()
    assert write_checksums(bundle) == bundle_digest(bundle)


def test_sha256sum_itself_can_check_a_bundle(bundle: Path) -> None:
    if shutil.which("sha256sum") is None:
        pytest.skip("needs coreutils' sha256sum")
    subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=bundle, check=True, capture_output=True)


@pytest.mark.parametrize("name", ["model.onnx", "bundle.json", "card.md", "selftest/cases.safetensors"])
def test_one_changed_byte_is_found_and_the_file_named(bundle: Path, name: str) -> None:
    content = bytearray((bundle / name).read_bytes())
    content[len(content) // 2] ^= 1
    (bundle / name).write_bytes(content)
    with pytest.raises(BundleError, match=f"{name} was changed") as caught:
        verify_checksums(bundle)
    assert str(bundle) in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_missing_and_a_foreign_file_are_named(bundle: Path) -> None:
    (bundle / "card.md").unlink()
    (bundle / "selftest" / "notes.txt").write_text("mine")
    with pytest.raises(BundleError, match=r"card\.md is missing; selftest/notes\.txt is not listed"):
        verify_checksums(bundle)


@pytest.mark.parametrize("line", ["../outside", "/etc/passwd", "no checksum at all"])
def test_checksums_can_only_name_files_of_the_bundle(bundle: Path, line: str) -> None:
    with (bundle / "SHA256SUMS").open("a") as file:
        file.write(f"{'0' * 64}  {line}\n" if line != "no checksum at all" else line + "\n")
    with pytest.raises(BundleError, match="line 7"):
        verify_checksums(bundle)


@pytest.mark.parametrize("name", ["model.onnx", "bundle.json", "SHA256SUMS"])
def test_what_every_bundle_needs_is_named_where_it_is_absent(bundle: Path, name: str) -> None:
    (bundle / name).unlink()
    with pytest.raises(BundleError, match=name):
        verify_checksums(bundle)


def test_a_directory_that_is_not_there_is_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="no such directory"):
        verify_checksums(tmp_path / "absent")


def change_manifest(bundle: Path, **changes: object) -> None:
    path = bundle / "bundle.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_a_newer_format_says_which_nevus_wrote_it(bundle: Path) -> None:
    change_manifest(bundle, format_version=2, libraries={"nevus": "3.1.4"}, invented_in_version_2=True)
    with pytest.raises(BundleError, match=r"format version 2.*nevus 3\.1\.4: install that version"):
        read_bundle_manifest(bundle)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"classes": ["only"]}, "classes"),
        ({"refusal": {"ood_scor": 1.0}}, r"refusal\.ood_scor"),
        ({"format": "something else"}, "format"),
        ({"format_version": "1"}, "format version"),
    ],
)
def test_a_wrong_key_is_named(bundle: Path, changes: dict[str, object], message: str) -> None:
    change_manifest(bundle, **changes)
    with pytest.raises(BundleError, match=message):
        read_bundle_manifest(bundle)


def test_broken_json_is_named(bundle: Path) -> None:
    (bundle / "bundle.json").write_text("{")
    with pytest.raises(BundleError, match=r"bundle\.json is not valid JSON"):
        read_bundle_manifest(bundle)
