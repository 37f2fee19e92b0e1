"""Who and what is in the data: charts by diagnosis, age, sex, site, source and confirmation."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import polars as pl
from markupsafe import Markup

from nevus.reporting.describe.figure import Figure
from nevus.reporting.describe.quantities import UNKNOWN_LABEL, by_category, known, lesion_key, malignant_count
from nevus.reporting.page.charts import Bar, Tone, histogram, horizontal_bars
from nevus.reporting.page.formats import format_count, format_percent, format_share
from nevus.reporting.page.wording import several
from nevus.taxonomy import UNKNOWN, class_name

MOST_BARS = 14
AGE_STEP = 5


def diagnosis_figures(manifest: pl.DataFrame) -> list[Figure]:
    """Images and lesions by diagnosis, and how many images a lesion has."""
    table = by_category(manifest, "diagnosis")
    most, least = table.row(0, named=True), table.row(-1, named=True)
    if table.height > 1 and most["images"] == least["images"]:
        reading = f"Every class has {several(most['images'], 'image')}"
    else:
        reading = f"{class_name(most['value'])} is {_share(most['images'], manifest)} of all images"
        if table.height > 1:
            reading += f"; {_lower(least['value'])}, the rarest, {_share(least['images'], manifest)}"
    first = Figure("Images by diagnosis", reading + ".", _bars(table, "images", "Images by diagnosis", named=True))
    return [first, *_lesions_figure(manifest, table), *_repeat_figure(manifest)]


def people_figures(manifest: pl.DataFrame) -> list[Figure]:
    """Age, sex, site, skin type, source and confirmation: those that are recorded at all."""
    figures = [
        _age_figure(manifest),
        _sex_figure(manifest),
        _site_figure(manifest),
        _skin_figure(manifest),
        _source_figure(manifest),
        _confirmation_figure(manifest),
    ]
    return [figure for figure in figures if figure]


def diagnosis_rows(manifest: pl.DataFrame) -> list[list[str]]:
    """The rows diagnosis, images, share, lesions, groups, images a lesion, by histology."""
    histology = manifest.filter(pl.col("confirmed_by") == "histology").group_by("diagnosis").len()
    confirmed = dict(histology.iter_rows())
    return [
        [
            f"{class_name(row['value'])} ({row['value']})",
            format_count(row["images"]),
            format_percent(row["images"] / manifest.height),
            format_count(row["lesions"]),
            format_count(row["groups"]),
            f"{row['images'] / row['lesions']:.2f}",
            format_share(confirmed.get(row["value"], 0), row["images"]),
        ]
        for row in by_category(manifest, "diagnosis").iter_rows(named=True)
    ]


def _lesions_figure(manifest: pl.DataFrame, table: pl.DataFrame) -> list[Figure]:
    if not known(manifest, "lesion_id"):
        return []
    lesions = manifest.select(lesion_key().n_unique()).item()
    ordered = table.sort("lesions", "value", descending=[True, False])
    few = ordered.row(-1, named=True)
    reading = f"{several(lesions, 'lesion')} in all; the smallest class, {_lower(few['value'])}, has {few['lesions']:,}"
    svg = _bars(ordered, "lesions", "Lesions by diagnosis", named=True)
    return [Figure("Lesions by diagnosis", reading + ".", svg)]


def _repeat_figure(manifest: pl.DataFrame) -> list[Figure]:
    counts = manifest.group_by(lesion_key()).len()["len"]
    most = int(max(counts))
    if most < 2:
        return []
    last = min(most, 6)
    sizes = [int((counts == k).sum()) for k in range(1, last)] + [int((counts >= last).sum())]
    labels = [str(k) for k in range(1, last)] + [f"{last} or more" if most > last else str(last)]
    bars = [
        Bar(label + (" image" if label == "1" else " images"), n, format_share(n, len(counts)))
        for label, n in zip(labels, sizes, strict=True)
    ]
    rows = int(counts.filter(counts > 1).sum())
    reading = f"{several(rows, 'image')} share their lesion with another; apart, they would leak into the test."
    return [Figure("Images of one lesion", reading, horizontal_bars(bars, title="Lesions by number of images"))]


def _age_figure(manifest: pl.DataFrame) -> Figure | None:
    ages = manifest.drop_nulls("age")
    if ages.is_empty():
        return None
    high = int(max(ages["age"])) // AGE_STEP * AGE_STEP + AGE_STEP
    edges = list(range(0, max(high, 10) + 1, AGE_STEP))
    judged = known(manifest, "malignant") > 0
    malignant = ages.filter(pl.col("malignant"))
    benign = ages.filter(~pl.col("malignant").fill_null(value=False))
    layers: list[tuple[str, list[int], Tone]] = [
        ("malignant", _binned(malignant["age"], edges), "warm"),
        ("benign" if judged else "images", _binned(benign["age"], edges), "accent"),
    ]
    if not malignant.height:
        layers = layers[1:]
    low, middle, top = (float(v) for v in np.quantile(ages["age"].to_numpy(), (0.25, 0.5, 0.75)))
    reading = f"Known for {_share(ages.height, manifest)}; half of the images between {low:g} and {top:g} years"
    if malignant.height and benign.height:
        reading += f"; median {_median(malignant['age']):g} where malignant, {_median(benign['age']):g} where not"
    else:
        reading += f", median {middle:g}"
    svg = histogram(edges, layers, title="Images by age", x_label="age, years", y_label="images")
    return Figure("Age", reading + ".", svg)


def _median(values: pl.Series) -> float:
    return float(np.median(values.to_numpy()))


def _binned(ages: pl.Series, edges: list[int]) -> list[int]:
    return [int(((ages >= a) & (ages < b)).sum()) for a, b in pairwise(edges)]


def _sex_figure(manifest: pl.DataFrame) -> Figure | None:
    if not known(manifest, "sex"):
        return None
    table = by_category(manifest, "sex")
    shares = " and ".join(
        f"{format_percent(row['images'] / known(manifest, 'sex'))} {row['value']}"
        for row in table.drop_nulls("value").iter_rows(named=True)
    )
    reading = f"Of those known, {shares}; {_missing_words(manifest, 'sex')}."
    return Figure("Sex", reading, _bars(table, "images", "Images by sex"))


def _site_figure(manifest: pl.DataFrame) -> Figure | None:
    if not known(manifest, "site"):
        return None
    table = by_category(manifest, "site")
    first = table.row(0, named=True)
    reading = f"Most often {first['value']} ({_share(first['images'], manifest)}); {_missing_words(manifest, 'site')}."
    return Figure("Body site", reading, _bars(table, "images", "Images by body site"))


def _skin_figure(manifest: pl.DataFrame) -> Figure | None:
    if not known(manifest, "skin_type"):
        return None
    table = by_category(manifest, "skin_type").sort(pl.col("value").is_null(), "value")
    reading = f"Recorded for {_share(known(manifest, 'skin_type'), manifest)}."
    return Figure("Skin type", reading, _bars(table, "images", "Images by skin type"))


def _source_figure(manifest: pl.DataFrame) -> Figure | None:
    column = "source" if known(manifest, "source") else "dataset"
    table = by_category(manifest, column)
    if table.height < 2:
        return None
    shares = table.filter(pl.col("judged") > 0).with_columns((pl.col("malignant") / pl.col("judged")).alias("share"))
    reading = f"{several(table.height, 'source')}"
    if shares.height > 1 and malignant_count(manifest):
        low, high = shares.sort("share").row(0, named=True), shares.sort("share").row(-1, named=True)
        reading += (
            f"; malignant from {format_percent(low['share'])} ({_label(low['value'])}) to "
            f"{format_percent(high['share'])} ({_label(high['value'])}), so the source alone tells something"
        )
    return Figure("Source", reading + ".", _bars(table, "images", f"Images by {column}"))


def _confirmation_figure(manifest: pl.DataFrame) -> Figure | None:
    if not known(manifest, "confirmed_by"):
        return None
    table = by_category(manifest, "confirmed_by")
    malignant = manifest.filter(pl.col("malignant"))
    by_histology = malignant.filter(pl.col("confirmed_by") == "histology").height
    benign = manifest.filter(~pl.col("malignant"))
    benign_histology = benign.filter(pl.col("confirmed_by") == "histology").height
    reading = f"Recorded for {_share(known(manifest, 'confirmed_by'), manifest)}"
    if malignant.height and benign.height:
        reading = (
            f"Histology stands behind {format_percent(by_histology / malignant.height)} of the malignant and "
            f"{format_percent(benign_histology / benign.height)} of the benign images"
        )
    return Figure("How the diagnosis was confirmed", reading + ".", _bars(table, "images", "Images by confirmation"))


def _bars(table: pl.DataFrame, count: str, title: str, *, named: bool = False) -> Markup:
    """Bars of a table of `by_category`; the malignant part is drawn warm."""
    total = int(table[count].sum())
    shown, rest = table.head(MOST_BARS), table.slice(MOST_BARS)
    bars = []
    for row in shown.iter_rows(named=True):
        label = _label(row["value"])
        share = row["malignant"] / row["images"]
        bars.append(
            Bar(
                class_name(row["value"]) if named and row["value"] != UNKNOWN else label,
                row[count],
                format_share(row[count], total),
                "quiet" if row["value"] is None else "accent",
                part=row[count] * share,
                part_says=f"{format_percent(share)} malignant" if row["judged"] else "",
            )
        )
    if rest.height:
        n = int(rest[count].sum())
        bars.append(Bar(f"{rest.height} others", n, format_share(n, total), "quiet"))
    return horizontal_bars(bars, title=title)


def _label(value: str | None) -> str:
    return UNKNOWN_LABEL if value is None else value.replace("_", " ")


def _missing_words(manifest: pl.DataFrame, column: str) -> str:
    missing = manifest[column].null_count()
    return f"not recorded for {several(missing, 'image')}" if missing else "recorded for every image"


def _share(n: int, manifest: pl.DataFrame) -> str:
    return format_percent(n / manifest.height)


def _lower(code: str) -> str:
    name = class_name(code)
    return name[:1].lower() + name[1:]
