"""What an image is known by, whatever dataset it is read from and whatever it is called there."""

from __future__ import annotations

import polars as pl

ISIC_ID = r"(ISIC_\d{7})(?:_downsampled)?(?:\.\w+)?$"
"""An image of the ISIC archive, in an id or a file's name; several datasets hold it, some of them re-encoded."""


def identities(manifest: pl.DataFrame) -> pl.DataFrame:
    """One row for each identity of each image: its bytes' SHA-256, and its number in the ISIC archive where it has one.

    Ids alone are no identity: two folders may both hold a `mel/1.jpg`, and one image has another id in each dataset.

    Args:
        manifest: rows with `image_id, group_id, sha256`; the last may be null.

    Returns:
        `image_id, group_id, identity`.
    """
    archive = pl.col("image_id").str.extract(ISIC_ID)
    found = [manifest.select("image_id", "group_id", what.alias("identity")) for what in (pl.col("sha256"), archive)]
    return pl.concat(found).drop_nulls("identity")
