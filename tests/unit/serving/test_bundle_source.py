from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from nevus.bundle import BundleError, bundle_digest, verify_checksums
from nevus.serving.bundle_source import BundlePartError, local_bundle, read_bundle_file
from nevus.store import Registry
from rollout_factory import approved, bundles, wait_until
from serving_factory import drawn, serving, tiny_bundle


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_bundle(tmp_path_factory.mktemp("source") / "tiny", files={"card.md": b"# Tiny"})


def upload(bundle: Path, address: str) -> str:
    import s3fs

    s3fs.S3FileSystem().put(f"{bundle}/", f"{address}/models/one/", recursive=True)
    return f"{address}/models/one"


def test_a_local_path_is_used_where_it_lies(bundle: Path, tmp_path: Path) -> None:
    assert local_bundle(str(bundle), tmp_path) == bundle
    assert local_bundle(f"file://{bundle}", tmp_path) == bundle
    assert read_bundle_file(str(bundle), tmp_path, bundle_digest(bundle), "card.md") == b"# Tiny"
    with pytest.raises(BundlePartError, match=r"metrics\.json"):
        read_bundle_file(str(bundle), tmp_path, bundle_digest(bundle), "metrics.json")
    with pytest.raises(BundleError, match="another bundle"):
        read_bundle_file(str(bundle), tmp_path, "0" * 64, "card.md")


def test_a_changed_file_is_not_shown(bundle: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(bundle, copy)
    (copy / "card.md").write_text("# Better")
    with pytest.raises(BundleError, match="was changed"):
        read_bundle_file(str(copy), tmp_path, bundle_digest(copy), "card.md")


@pytest.mark.service
def test_a_bundle_in_an_object_store_is_fetched_once_whole_and_mended_when_damaged(
    bundle: Path, tmp_path: Path, s3_bucket: str
) -> None:
    uri = upload(bundle, s3_bucket)
    folder = local_bundle(uri, tmp_path)
    assert folder == tmp_path / "bundles" / bundle_digest(bundle)
    assert verify_checksums(folder) == bundle_digest(bundle)
    graph = folder / "model.onnx"
    at = graph.stat().st_mtime_ns
    assert local_bundle(uri, tmp_path).joinpath("model.onnx").stat().st_mtime_ns == at
    graph.write_bytes(b"damaged")
    assert verify_checksums(local_bundle(uri, tmp_path)) == bundle_digest(bundle)
    assert [path.name for path in (tmp_path / "bundles").iterdir()] == [folder.name]


@pytest.mark.service
def test_what_is_no_bundle_or_not_the_one_that_was_written_is_refused_and_leaves_nothing(
    bundle: Path, tmp_path: Path, s3_bucket: str
) -> None:
    import s3fs

    with pytest.raises(BundleError, match="SHA256SUMS"):
        local_bundle(f"{s3_bucket}/nothing", tmp_path)
    uri = upload(bundle, s3_bucket)
    s3fs.S3FileSystem().pipe_file(f"{uri}/model.onnx", b"somebody else's")
    with pytest.raises(BundleError, match=r"model\.onnx was changed"):
        local_bundle(uri, tmp_path)
    assert list((tmp_path / "bundles").iterdir()) == []


@pytest.mark.service
def test_a_server_starts_from_a_bundles_address_and_promotes_to_one(tmp_path: Path, s3_bucket: str) -> None:
    first, second = bundles(tmp_path)
    with serving(tmp_path / "home", upload(first, s3_bucket)) as served:
        assert served.predict(drawn())["bundle_digest"] == bundle_digest(first)
    import s3fs

    s3fs.S3FileSystem().rm(f"{s3_bucket}/models", recursive=True)
    address = upload(second, s3_bucket)
    with serving(tmp_path / "home", first, follow_seconds=0.1) as served:
        approved(served.store, first)
        approved(served.store, address, digest=bundle_digest(second))
        Registry(served.store).promote("tiny/1", by="test")
        wait_until(lambda: served.get("/ready").json()["version"] == 1)
        assert served.post("/v1/models/tiny/2/promote", "admin").status_code == 200
        assert served.predict(drawn())["bundle_digest"] == bundle_digest(second)
        assert served.get("/v1/models/tiny/2/manifest").json()["name"] == "tiny"
