"""Whether a dataset's files hold red where red belongs: skin is redder than blue, as a whole if not in each picture."""

from __future__ import annotations

import polars as pl

from nevus.data.pixels import SWAPPED

FEWEST = 20
"""Images; fewer prove nothing of a dataset."""
MOST_BLUER = 0.8
"""Share of a dataset's images that may be bluer than red. Of HAM10000's 10,015 there are 157, most of them by their
illumination; of a dataset whose red and blue are exchanged, nearly all."""


def channel_warnings(files: pl.DataFrame) -> list[str]:
    """A warning for each dataset whose images are nearly all bluer than red.

    Args:
        files: one row an image: `dataset, channels, red_over_blue`.
    """
    counted = files.group_by("dataset").agg(
        pl.len().alias("n"),
        (pl.col("red_over_blue") < 0).sum().alias("bluer"),
        (pl.col("channels") == SWAPPED).any().alias("swapped"),
    )
    suspect = counted.filter((pl.col("n") >= FEWEST) & (pl.col("bluer") > MOST_BLUER * pl.col("n"))).sort("dataset")
    return [_say(*row) for row in suspect.iter_rows()]


def _say(dataset: str, n: int, bluer: int, swapped: bool) -> str:
    said = f"{bluer} of {n} images of {dataset} are bluer than red, as skin is not"
    if swapped:
        return f"{said}: these files seem to be in order, so leave out data.channels, which exchanges red and blue"
    return f"{said}: these files seem to hold red and blue exchanged; look at some, and set data.channels to bgr"
