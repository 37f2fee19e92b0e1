"""How large the images are."""

from __future__ import annotations

from itertools import pairwise

import polars as pl
from markupsafe import Markup

from nevus.reporting.describe.figure import Figure
from nevus.reporting.page.charts import Bar, histogram, horizontal_bars
from nevus.reporting.page.formats import format_percent, format_share
from nevus.reporting.page.wording import several

MOST_SIZES = 8
BINS = 24


def size_words(manifest: pl.DataFrame) -> str:
    """One sentence: the commonest size and shape, and of how many nothing is known."""
    sizes = _sizes(manifest)
    if sizes.is_empty():
        return "The images' sizes are not recorded; the check measures them."
    width, height, n = sizes.row(0)
    known = int(sizes["len"].sum())
    shape = f"{width:,} × {height:,} pixels, an aspect ratio of {max(width, height) / min(width, height):.2f} to 1"
    said = (
        f"Every image has {shape}."
        if sizes.height == 1
        else f"The images have {several(sizes.height, 'size')}; the commonest ({format_percent(n / known)}) is {shape}."
    )
    return said + (
        f" Of {several(manifest.height - known, 'image')} it is not known." if known < manifest.height else ""
    )


def size_figures(manifest: pl.DataFrame) -> list[Figure]:
    """The commonest sizes and the distribution of the shorter side; nothing where all images are of one size."""
    sizes = _sizes(manifest)
    if sizes.height < 2:
        return []
    total = int(sizes["len"].sum())
    bars = [Bar(f"{w:,} × {h:,}", n, format_share(n, total)) for w, h, n in sizes.head(MOST_SIZES).iter_rows()]
    rest = sizes.slice(MOST_SIZES)
    if rest.height:
        n = int(rest["len"].sum())
        bars.append(Bar(several(rest.height, "other size"), n, format_share(n, total), "quiet"))
    landscape = int(sizes.filter(pl.col("width") > pl.col("height"))["len"].sum())
    reading = f"{format_percent(landscape / total)} of the images are wider than high."
    figures = [Figure("Size in pixels", reading, horizontal_bars(bars, title="Images by size"))]
    short = manifest.select(pl.min_horizontal("width", "height")).to_series().drop_nulls().sort()
    if short.n_unique() > 1:
        middle = short[len(short) // 2]
        reading = f"From {short[0]:,} to {short[-1]:,} pixels; half of the images have at least {middle:,}."
        figures.append(Figure("Shorter side", reading, _distribution(short, "Images by shorter side", "pixels")))
    return figures


def _sizes(manifest: pl.DataFrame) -> pl.DataFrame:
    """`width, height, len`, the most frequent first."""
    sized = manifest.drop_nulls(["width", "height"])
    return sized.group_by("width", "height").len().sort("len", "width", "height", descending=[True, True, True])


def _distribution(values: pl.Series, title: str, unit: str) -> Markup:
    low, high = float(values[0]), float(values[-1])
    count = min(BINS, max(1, round(high - low)))
    edges = [low + (high - low) * k / count for k in range(count + 1)]
    counts = [int(((values >= a) & (values < b)).sum()) for a, b in pairwise(edges)]
    counts[-1] += int((values == high).sum())
    return histogram(edges, [("images", counts, "accent")], title=title, x_label=unit, y_label="images")
