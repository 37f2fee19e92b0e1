"""A bundle judged on other data: what it may write to, what it refuses, and what it says of data that it knows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from graphs import make_tiny_bundle
from nevus.bundle.schema import DataSummary, Fingerprints
from nevus.data.checks import ClassError
from nevus.data.manifest import content_fingerprint, read_manifest
from nevus.evaluation.results import TEST, read_results
from nevus.pipeline.external import NotForResultsError, evaluate_external
from nevus.pipeline.lock import FolderLockedError, folder_lock
from nevus.pipeline.settings import RunSettings


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_bundle(tmp_path_factory.mktemp("bundle") / "tiny")


@pytest.fixture
def tree(tmp_path: Path) -> RunSettings:
    """Twelve images of malignant lesions and one of a benign one."""
    for n in range(13):
        code = "mel" if n else "nv"
        folder = tmp_path / "data" / code
        folder.mkdir(parents=True, exist_ok=True)
        coarse = np.random.default_rng(n).integers(30, 230, (8, 10, 3), dtype=np.uint8)
        Image.fromarray(coarse.repeat(10, 0).repeat(10, 1)).save(folder / f"{n}.png")
    data = {"source": "folder", "root": str(tmp_path / "data"), "name": "elsewhere", "check": {"workers": 1}}
    return RunSettings.model_validate({"data": data, "evaluation": {"replicates": 20}})


def test_a_class_with_one_lesion_is_scored_since_nothing_is_learnt(
    bundle: Path, tree: RunSettings, tmp_path: Path
) -> None:
    said: list[str] = []
    evaluate_external(tree, bundle, tmp_path / "out", said.append)
    scores = read_results(tmp_path / "out" / "metrics.json").subsets[TEST]
    answers = pl.read_parquet(tmp_path / "out" / "predictions.parquet")
    assert (scores.n_images, answers.height) == (13, 13)
    assert sorted(answers["diagnosis"].value_counts().rows()) == [("mel", 12), ("nv", 1)]
    files = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert files == [".nevus.lock", "checks", "metrics.json", "predictions.parquet"]
    assert said == []


def test_it_can_be_done_again_into_the_same_folder(bundle: Path, tree: RunSettings, tmp_path: Path) -> None:
    first = evaluate_external(tree, bundle, tmp_path / "out")
    (tmp_path / "data" / "mel" / "1.png").unlink()
    second = evaluate_external(tree, bundle, tmp_path / "out")
    assert (first.subsets[TEST].n_images, second.subsets[TEST].n_images) == (13, 12)
    assert read_results(tmp_path / "out" / "metrics.json") == second


@pytest.mark.parametrize(("mark", "whose"), [("steps/settings.json", "a run"), ("bundle.json", "a bundle")])
def test_a_folder_whose_own_results_would_be_overwritten_is_refused(
    bundle: Path, tree: RunSettings, tmp_path: Path, mark: str, whose: str
) -> None:
    out = tmp_path / "demo"
    for path in (out / mark, out / "metrics.json"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")
    with pytest.raises(NotForResultsError, match=f"demo is the folder of {whose}.*--out") as caught:
        evaluate_external(tree, bundle, out)
    assert caught.value.exit_code == 2
    assert (out / "metrics.json").read_text() == "{}"
    assert sorted(path.name for path in out.iterdir()) == sorted([Path(mark).parts[0], "metrics.json"])


def test_a_folder_that_somebody_writes_to_is_refused(bundle: Path, tree: RunSettings, tmp_path: Path) -> None:
    with folder_lock(tmp_path / "out"), pytest.raises(FolderLockedError, match="is being written to"):
        evaluate_external(tree, bundle, tmp_path / "out")
    assert not (tmp_path / "out" / "metrics.json").exists()


def test_where_no_image_is_left_the_reasons_are_named(bundle: Path, tree: RunSettings, tmp_path: Path) -> None:
    for path in (tmp_path / "data").rglob("*.png"):
        path.write_bytes(path.read_bytes()[:60])
    lenient = tree.data.model_copy(update={"check": tree.data.check.model_copy(update={"max_rejected_share": 1.0})})
    with pytest.raises(ClassError, match=r"no image is left .*/out/checks/rejected\.parquet"):
        evaluate_external(tree.model_copy(update={"data": lenient}), bundle, tmp_path / "out")


def test_data_that_the_bundle_knows_are_said_to_be_no_test(bundle: Path, tree: RunSettings, tmp_path: Path) -> None:
    evaluate_external(tree, bundle, tmp_path / "out")
    content = content_fingerprint(read_manifest(tmp_path / "out" / "checks" / "manifest.parquet"))

    def said(**changes: object) -> str:
        known = make_tiny_bundle(tmp_path / f"known-{len(list(tmp_path.iterdir()))}", **changes)
        notices: list[str] = []
        evaluate_external(tree, known, tmp_path / "out", notices.append)
        return " ".join(notices)

    assert "the data that the bundle was made from" in said(fingerprints=Fingerprints(content=content))
    assert "made from elsewhere too" in said(data=DataSummary(datasets=("elsewhere", "ham10000")))
    assert said(data=DataSummary(datasets=("ham10000",)), fingerprints=Fingerprints(content="0" * 64)) == ""
