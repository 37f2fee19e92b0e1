"""Small manifests for tests."""

from __future__ import annotations

import polars as pl

from nevus.data.manifest import conform


def manifest(*rows: dict[str, object]) -> pl.DataFrame:
    """A conformed manifest; a row needs only what matters to the test."""
    filled = [
        {
            "image_id": f"im_{number}",
            "dataset": "test",
            "group_id": f"test/image:im_{number}",
            "diagnosis": "nv",
            "uri": f"/nowhere/im_{number}.jpg",
        }
        | row
        for number, row in enumerate(rows)
    ]
    return conform(pl.from_dicts(filled, infer_schema_length=None))
