from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from nevus.data.duplicates import (
    PAIR_SCHEMA,
    NearDuplicateError,
    NearDuplicateSettings,
    find_near,
    image_pairs,
)
from nevus.data.duplicates.candidates import by_embedding, by_structure
from nevus.data.duplicates.collection import Collection
from nevus.data.duplicates.keypoints import extract_keypoints

SETTINGS = NearDuplicateSettings(keypoints=150, workers=2)
PLANTED = {
    ("i00", "i08"): {"scale": 1.6, "degrees": 35.0, "gain": 0.8},
    ("i01", "i09"): {"mirrored": True, "degrees": 100.0},
    ("i02", "i10"): {"scale": 0.6, "noise": 3.0},
}


@pytest.fixture(scope="module")
def images(lesion, again) -> dict[str, np.ndarray]:
    """Eight lesions, three of which are photographed again under another name."""
    drawn = {f"i{seed:02}": lesion(seed) for seed in range(8)}
    return drawn | {copy: again(drawn[first], **changes)[0] for (first, copy), changes in PLANTED.items()}


def table(names: list[str], groups: list[str] | None = None) -> pl.DataFrame:
    return pl.DataFrame({"dataset": ["d"] * len(names), "image_id": names, "group_id": groups or names})


def search(images: dict[str, np.ndarray], names: list[str], **more: object) -> pl.DataFrame:
    groups = more.pop("groups", None)
    settings = SETTINGS.model_copy(update=more)
    return find_near(table(names, groups), lambda i: images[names[i]], settings)  # type: ignore[arg-type]


def test_planted_copies_are_found_and_nothing_else(images) -> None:
    pairs = search(images, sorted(images))
    assert sorted(image_pairs(pairs)) == sorted(PLANTED)
    assert dict(pairs.schema) == PAIR_SCHEMA
    assert pairs["kind"].unique().to_list() == ["near"]
    by_name = {row["image_a"]: row for row in pairs.iter_rows(named=True)}
    assert by_name["i00"]["scale"] == pytest.approx(1.6, rel=0.03)
    assert by_name["i00"]["rotation"] == pytest.approx(35, abs=2)
    assert [by_name[name]["mirrored"] for name in ("i00", "i01", "i02")] == [False, True, False]


def test_the_result_depends_neither_on_the_order_of_rows_nor_on_the_workers(images) -> None:
    names = sorted(images)
    assert search(images, names).equals(search(images, names[::-1], workers=1))


def test_pairs_within_a_group_are_not_sought(images) -> None:
    names = sorted(images)
    groups = ["together" if name in ("i00", "i08") else name for name in names]
    assert ("i00", "i08") not in image_pairs(search(images, names, groups=groups))


def test_mirrored_copies_are_left_where_they_are_not_asked_for(images) -> None:
    assert ("i01", "i09") not in image_pairs(search(images, sorted(images), mirrored=False))


def test_shared_structure_ranks_the_copies_first(images, tmp_path) -> None:
    names = sorted(images)
    collection = filled(images, names, tmp_path)
    found = by_structure(collection, np.arange(len(names)), count=3, mirrored=True, seed=0)
    assert {(names[c.a], names[c.b], bool(c.mirrored)) for c in found} == {
        (a, b, changes.get("mirrored", False)) for (a, b), changes in PLANTED.items()
    }


def test_neighbours_by_embedding_are_of_other_groups() -> None:
    angles = np.deg2rad([0.0, 1.0, 4.0, 90.0])
    embeddings = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32) * 7
    found = by_embedding(embeddings, np.array([0, 0, 1, 2]), neighbours=1, mirrored=False)
    assert [(c.a, c.b) for c in found] == [(0, 2), (1, 2), (2, 3)]


def test_a_single_group_or_image_has_no_pairs(images) -> None:
    assert search(images, ["i00"]).is_empty()
    assert search(images, ["i00", "i08"], groups=["g", "g"]).is_empty()


def test_images_without_structure_are_no_duplicates() -> None:
    blank = {f"b{i}": np.full((225, 300, 3), 100 + 20 * i, np.uint8) for i in range(4)}
    assert search(blank, sorted(blank)).is_empty()


def test_progress_is_told_from_the_calling_thread(images) -> None:
    told: list[tuple[str, int, int]] = []
    threads = set()

    def tell(stage: str, done: int, total: int) -> None:
        told.append((stage, done, total))
        threads.add(threading.get_ident())

    names = ["i00", "i08", "i03"]
    find_near(table(names), lambda i: images[names[i]], SETTINGS, progress=tell)
    assert threads == {threading.get_ident()}
    assert [done for stage, done, _ in told if stage == "keypoints"] == [1, 2, 3]
    assert told[-1] == ("geometry", 3, 3)


def test_what_can_not_be_searched_is_refused_with_the_remedy(images) -> None:
    names = sorted(images)
    with pytest.raises(NearDuplicateError, match=r"max_images 5.*near: false"):
        search(images, names, max_images=5)
    with pytest.raises(NearDuplicateError, match="group_id"):
        find_near(table(names).drop("group_id"), lambda i: images[names[i]], SETTINGS)
    with pytest.raises(NearDuplicateError, match="11 rows"):
        find_near(table(names), lambda i: images[names[i]], SETTINGS, embeddings=np.zeros((3, 4), np.float32))


def filled(images: dict[str, np.ndarray], names: list[str], scratch: Path) -> Collection:

    collection = Collection(len(names), 150, scratch)
    for i, name in enumerate(names):
        collection.put(i, extract_keypoints(images[name], 150))
    return collection
