"""What lies outside the output folder: a change of it is seen, wherever it lies, and nothing else is a change."""

from __future__ import annotations

import csv
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from manifest_factory import manifest
from nevus.data.manifest import write_manifest
from nevus.pipeline.engines import LocalEngine
from nevus.pipeline.main_job import MAIN_JOB
from nevus.pipeline.outside import datasets_as_they_lie, images_as_they_lie, weights_as_they_lie
from nevus.pipeline.settings import CheckSection, IngestSection, RunSettings, TrainSection, part_of


def tree(**data: object) -> RunSettings:
    return RunSettings.model_validate({"data": data, "duplicates": {"near": False, "published": False}})


def draw(path: Path, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    coarse = np.random.default_rng(seed).integers(30, 230, (8, 10, 3), dtype=np.uint8)
    Image.fromarray(coarse.repeat(10, 0).repeat(10, 1)).save(path)
    return path


def list_table(path: Path, rows: list[dict[str, str]]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def seen(**data: object) -> dict[str, str]:
    return dict(datasets_as_they_lie(part_of(IngestSection, tree(**data)), {}))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for n in range(3):
        draw(tmp_path / "data" / "nv" / f"{n}.png", seed=n)
    return tmp_path / "data"


Change = Callable[[Path], object]
CHANGES: dict[str, Change] = {
    "added": lambda root: draw(root / "mel" / "new.png"),
    "removed": lambda root: (root / "nv" / "1.png").unlink(),
    "renamed": lambda root: (root / "nv" / "1.png").rename(root / "nv" / "9.png"),
    "grown": lambda root: (root / "nv" / "1.png").open("ab").write(b"x"),
    "touched": lambda root: os.utime(root / "nv" / "1.png", (1, 1)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_in_a_datasets_folder_is_seen(root: Path, change: str) -> None:
    before = seen(source="folder", root=str(root))
    assert seen(source="folder", root=str(root)) == before
    CHANGES[change](root)
    assert seen(source="folder", root=str(root)) != before


def test_images_behind_a_link_are_seen_and_a_circle_of_links_ends(root: Path, tmp_path: Path) -> None:
    linked = tmp_path / "linked"
    linked.mkdir()
    (linked / "images").symlink_to(root)
    (root / "nv" / "back").symlink_to(root)
    before = seen(source="folder", root=str(linked))
    draw(root / "nv" / "1.png", seed=7)
    assert seen(source="folder", root=str(linked)) != before


@pytest.mark.parametrize("moved", ["table", "images"])
def test_a_table_and_images_outside_the_root_are_seen(root: Path, tmp_path: Path, moved: str) -> None:
    table = list_table(tmp_path / "labels.csv", [{"image_id": "1", "diagnosis": "nv"}])
    shutil.copytree(root, tmp_path / "elsewhere")
    named = {"source": "table", "root": str(root), "table": str(table), "images": str(tmp_path / "elsewhere" / "nv")}
    before = seen(**named)
    assert set(before) == {str(root), str(table), str(tmp_path / "elsewhere" / "nv")}
    if moved == "table":
        list_table(table, [{"image_id": "1", "diagnosis": "mel"}, {"image_id": "2", "diagnosis": "nv"}])
    else:
        draw(tmp_path / "elsewhere" / "nv" / "1.png", seed=7)
    assert seen(**named) != before
    inside = {"source": "table", "root": str(root), "table": "labels.csv", "images": "nv"}
    assert set(seen(**inside)) == {str(root)}


def test_every_file_that_the_manifest_names_is_seen_and_no_other(root: Path, tmp_path: Path) -> None:
    archive = tmp_path / "train.hdf5"
    archive.write_bytes(b"many images")
    uris = [str(root / "nv" / "0.png"), str(tmp_path / "missing.png"), f"{archive}#a", f"{archive}#b", "s3://b/k.png"]
    write_manifest(manifest(*({"uri": uri} for uri in uris)), tmp_path / "m.parquet")
    section = part_of(CheckSection, tree(source="folder", root=str(root)))

    def now() -> dict[str, str]:
        return dict(images_as_they_lie(section, {"manifest": str(tmp_path / "m.parquet")}))

    known = [now()]
    draw(root / "nv" / "1.png", seed=7)
    assert now() == known[0]
    for change in (
        lambda: draw(root / "nv" / "0.png", seed=7),
        lambda: draw(tmp_path / "missing.png"),
        lambda: archive.write_bytes(b"other images"),
    ):
        change()
        assert now() not in known
        known.append(now())


def test_other_weights_in_a_file_of_the_same_name_are_seen(tmp_path: Path) -> None:
    weights = tmp_path / "backbone.safetensors"

    def now(chosen: object = weights) -> dict[str, str]:
        return dict(
            weights_as_they_lie(part_of(TrainSection, RunSettings.model_validate({"model": {"weights": chosen}})), {})
        )

    assert now() == {"model.weights": "absent"}
    weights.write_bytes(b"one")
    first = now()
    os.utime(weights, (1, 1))
    assert now() == first
    weights.write_bytes(b"two")
    assert now() != first
    assert now("none") == {}


def test_an_image_that_is_mended_under_its_name_is_checked_anew(tmp_path: Path) -> None:
    """Ingest lists the same file as before, so only the check can see that it is another one."""
    images = [draw(tmp_path / "data" / code / f"{n}.png", seed=n) for n in range(8) for code in ("mel", "nv")]
    whole = images[3].read_bytes()
    images[3].write_bytes(whole[:100])
    out = tmp_path / "out"
    settings = tree(source="folder", root=str(tmp_path / "data"), check={"max_rejected_share": 0.5, "workers": 1})

    def run() -> tuple[dict[str, str], int]:
        result = LocalEngine().run(MAIN_JOB, settings, str(out), only=("ingest", "check"))
        rejected = pl.read_parquet(out / "checks" / "rejected.parquet")
        return {step.step: step.status for step in result.steps}, rejected.height

    assert run() == ({"ingest": "done", "check": "done"}, 1)
    assert run() == ({"ingest": "skipped", "check": "skipped"}, 1)
    images[3].write_bytes(whole)
    assert run() == ({"ingest": "done", "check": "done"}, 0)
    assert pl.read_parquet(out / "manifest.parquet").height == 16
