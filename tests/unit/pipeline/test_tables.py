"""How large the parts of the split are."""

from __future__ import annotations

import polars as pl

from nevus.pipeline.tables import part_sizes


def test_each_part_counts_its_images_groups_and_classes() -> None:
    rows = pl.DataFrame(
        [
            ("train", "a", "nv", None),
            ("train", "a", "nv", None),
            ("train", "b", "mel", None),
            ("train", "c", "unknown", True),  # malignant by its dataset's own column
            ("test", "d", "bcc", False),
        ],
        schema=["split", "group_id", "diagnosis", "malignant"],
        orient="row",
    )
    sizes = part_sizes(rows)
    train, test = sizes["train"], sizes["test"]
    assert (train.n_images, train.n_groups, train.n_malignant_groups) == (4, 3, 2)
    assert train.classes == {"nv": 2, "mel": 1, "unknown": 1}
    assert (test.n_malignant_groups, test.classes) == (0, {"bcc": 1})
