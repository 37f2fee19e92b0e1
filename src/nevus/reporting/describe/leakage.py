"""What the split guarantees, counted from its own rows, and what a split by image would have leaked."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import polars as pl
from markupsafe import Markup

from nevus.data.splits import PARTS, leakage_of_random_split
from nevus.errors import InputError
from nevus.reporting.describe.figure import Figure
from nevus.reporting.describe.quantities import known
from nevus.reporting.page.charts import Bar, StackedBar, Tone, horizontal_bars, stacked_bars
from nevus.reporting.page.formats import format_count, format_percent, format_share
from nevus.reporting.page.wording import listed, several
from nevus.taxonomy import class_name

RANDOM_SPLITS = 20
_UNITS = {"patient_id": "patients", "lesion_id": "lesions", "group_id": "groups", "sha256": "identical files"}
_SEPARATED = {"patient_id": "patient", "lesion_id": "lesion"}
_NO_IDS = "not recorded, so it can't be shown"


@dataclass(frozen=True)
class LeakageProof:
    """The section's parts; `proven` is whether nothing at all is shared, and ids are recorded that could tell."""

    proven: bool
    verdict: str
    words: str
    parts: list[list[str]]
    shared: list[list[str]]
    pairs: list[str]
    figures: list[Figure]


def prove_no_leakage(manifest: pl.DataFrame, split: pl.DataFrame, duplicates: pl.DataFrame | None) -> LeakageProof:
    """Count what the parts share, by the manifest's own groups, whatever the split's column says.

    Raises:
        InputError: the split is of other images.
    """
    rows = manifest.join(split.select("image_id", "split"), on="image_id", how="inner")
    if rows.is_empty():
        raise InputError("the split names none of the manifest's images, so it was made for other data.")
    names = [p for p in PARTS if p in set(rows["split"])] + sorted(set(rows["split"]) - set(PARTS))
    between = list(combinations(names, 2))
    shared: list[list[str]] = []
    total = 0
    for column, unit in _UNITS.items():
        keyed = rows.drop_nulls(column)
        if keyed.is_empty():
            shared.append([unit, *[_NO_IDS if k == 0 else "" for k in range(len(between))]])
            continue
        sets = {name: set(keyed.filter(pl.col("split") == name).select(_key(column)).to_series()) for name in names}
        counts = [len(sets[a] & sets[b]) for a, b in between]
        total += sum(counts)
        shared.append([unit, *(format_count(n) for n in counts)])
    if duplicates is not None:
        counts = _torn_pairs(rows, duplicates, between)
        total += sum(counts)
        shared.append(["confirmed duplicates", *(format_count(n) for n in counts)])
    left = manifest.height - rows.height
    return LeakageProof(
        proven=total == 0 and any(known(rows, column) for column in _SEPARATED),
        verdict=_verdict(rows, total),
        words=_words(rows, names, total, left),
        parts=[_part_row(rows, name) for name in names],
        shared=shared,
        pairs=[f"{a} and {b}" for a, b in between],
        figures=[_class_figure(rows, names), *_contrast(rows)],
    )


def _key(column: str) -> pl.Expr:
    """Patients and lesions of the same name in two datasets are different ones."""
    own = column in ("patient_id", "lesion_id")
    return pl.format("{}/{}", pl.col("dataset"), pl.col(column)) if own else pl.col(column)


def _torn_pairs(rows: pl.DataFrame, duplicates: pl.DataFrame, between: list[tuple[str, str]]) -> list[int]:
    part = dict(rows.select("image_id", "split").iter_rows())
    torn = [{part.get(a), part.get(b)} for a, b in duplicates.select("image_a", "image_b").iter_rows()]
    return [sum(pair == {a, b} for pair in torn) for a, b in between]


def _verdict(rows: pl.DataFrame, total: int) -> str:
    if total:
        return "The parts share what they must not"
    recorded = [name for column, name in _SEPARATED.items() if known(rows, column)]
    if not recorded:
        return "No image is in two parts, and more can't be shown"
    return f"No {' and no '.join(recorded)} is in two parts"


def _words(rows: pl.DataFrame, names: list[str], total: int, left: int) -> str:
    if total:
        said = "A model trained on this split would be tested on what it has seen. Make the split anew."
    else:
        said = (
            f"Each of the {several(rows['group_id'].n_unique(), 'group')} (patient, else lesion, else image, with "
            f"confirmed duplicates merged) stands in exactly one of {listed(names)}."
        )
        unknown = [f"{name}s" for column, name in _SEPARATED.items() if not known(rows, column)]
        if "patients" in unknown:
            said += (
                f" {listed(unknown).capitalize()} are not recorded: two images of one "
                f"{'patient' if len(unknown) == 1 else 'lesion'} may still stand in different parts."
            )
    return said + (f" {several(left, 'image')} of the manifest stand in no part." if left else "")


def _part_row(rows: pl.DataFrame, name: str) -> list[str]:
    part = rows.filter(pl.col("split") == name)
    malignant = part.filter(pl.col("malignant"))
    return [
        name,
        format_share(part.height, rows.height),
        format_count(part["group_id"].n_unique()),
        format_share(malignant.height, part.height),
        format_count(malignant["group_id"].n_unique()),
    ]


def _class_figure(rows: pl.DataFrame, names: list[str]) -> Figure:
    tones: dict[str, Tone] = dict(zip(names, ("accent", "third", "fourth"), strict=False))
    bars, spread = [], []
    for code, images in rows.group_by("diagnosis").len().sort("len", "diagnosis", descending=[True, False]).iter_rows():
        own = rows.filter(pl.col("diagnosis") == code)
        counts = tuple(own.filter(pl.col("split") == name).height for name in names)
        bars.append(StackedBar(class_name(code), counts, format_count(images)))
        spread.append(counts[0] / images)
    low, high = format_percent(min(spread)), format_percent(max(spread))
    span = low if low == high else f"between {low} and {high}"
    reading = f"{names[0].capitalize()} holds {span} of each class's images."
    parts: list[tuple[str, Tone]] = [(n, tones.get(n, "quiet")) for n in names]
    svg = stacked_bars(bars, parts, title="Shares of each class by part")
    return Figure("Every class in every part", reading, svg)


def _contrast(rows: pl.DataFrame) -> list[Figure]:
    """What splitting the same images at random would leak, over several seeds; nothing where no group has two."""
    share = rows.filter(pl.col("split") == "test").height / rows.height
    if not 0 < share < 1 or rows["group_id"].n_unique() == rows.height:
        return []
    found = [leakage_of_random_split(rows, test=share, seed=seed) for seed in range(RANDOM_SPLITS)]
    all_images = np.array([f["leaked_share"] for f in found])
    malignant = np.array([f["leaked_share_malignant"] for f in found])
    own = rows.filter(pl.col("split") != "test")["group_id"].unique()
    test = rows.filter(pl.col("split") == "test")
    leaked = test.filter(pl.col("group_id").is_in(own.implode())).height / test.height
    bars = [Bar("by image, all", float(all_images.mean()), format_percent(float(all_images.mean())), "warm")]
    if rows["malignant"].sum():
        mean = float(malignant.mean())
        bars.append(Bar("by image, malignant", mean, format_percent(mean), "warm"))
    bars.append(Bar("this split", leaked, format_percent(leaked)))
    reading = (
        f"Test images whose group is trained on too: of {RANDOM_SPLITS} random splits by image with as large a test "
        f"part, on average {format_percent(float(all_images.mean()))} "
        f"(from {format_percent(float(all_images.min()))} to {format_percent(float(all_images.max()))})."
    )
    svg: Markup = horizontal_bars(bars, title="Leaked share of the test part", maximum=1.0)
    return [Figure("What a random split would leak", reading, svg)]
