"""The head of the page: what the data are, in one sentence and a row of numbers."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from nevus.reporting.describe.quantities import known, lesion_key, malignant_count
from nevus.reporting.page.formats import format_count, format_percent
from nevus.reporting.page.wording import listed, several

_NAMES = {
    "ham10000": "HAM10000",
    "isic2019": "ISIC 2019",
    "isic2020": "ISIC 2020",
    "isic2024": "ISIC 2024",
    "bcn20000": "BCN20000",
    "synthetic": "Synthetic lesions",
}


@dataclass(frozen=True)
class Stat:
    """A headline number."""

    name: str
    figure: str
    aside: str = ""
    tone: str = ""


def dataset_names(manifest: pl.DataFrame) -> str:
    """`HAM10000`, `ISIC 2019 and HAM10000`, in the order of size."""
    sizes = manifest.group_by("dataset").len().sort("len", "dataset", descending=[True, False])
    return listed([_NAMES.get(name, name) for name in sizes["dataset"]])


def standfirst(manifest: pl.DataFrame) -> str:
    """One sentence: how much there is of what."""
    classes = manifest["diagnosis"].n_unique()
    lesions = manifest.select(lesion_key().n_unique()).item()
    of = f" of {several(lesions, 'lesion')}" if known(manifest, "lesion_id") else ""
    return (
        f"{several(manifest.height, 'image')}{of} with {several(classes, 'diagnosis', 'diagnoses')}. Every number on "
        "this page was counted from the manifest and the tables made from it."
    )


def headline_numbers(
    manifest: pl.DataFrame, duplicates: pl.DataFrame | None, rejected: pl.DataFrame | None
) -> list[Stat]:
    """The numbers that one asks for first; what isn't recorded is said, not left out."""
    lesions = manifest.select(lesion_key().n_unique()).item()
    patients = manifest.drop_nulls("patient_id").select(pl.struct("dataset", "patient_id").n_unique()).item()
    judged = known(manifest, "malignant")
    histology = manifest.filter(pl.col("confirmed_by") == "histology").height
    stats = [
        Stat("Images", format_count(manifest.height), _repeats(manifest)),
        Stat("Lesions", format_count(lesions), _partly(manifest, "lesion_id"))
        if known(manifest, "lesion_id")
        else Stat("Lesions", "unknown", "no lesion ids are recorded", "word"),
        Stat("Patients", format_count(patients), _partly(manifest, "patient_id"))
        if known(manifest, "patient_id")
        else Stat("Patients", "unknown", "no patient ids are recorded", "word"),
        Stat(
            "Malignant",
            format_percent(malignant_count(manifest) / judged) if judged else "unknown",
            f"{several(malignant_count(manifest), 'image')}" if judged else "not recorded",
            "warm" if judged else "word",
        ),
        Stat(
            "By histology",
            format_percent(histology / manifest.height) if known(manifest, "confirmed_by") else "unknown",
            several(histology, "image") if known(manifest, "confirmed_by") else "not recorded",
            "" if known(manifest, "confirmed_by") else "word",
        ),
    ]
    if duplicates is not None:
        stats.append(Stat("Duplicates", format_count(duplicates.height), "confirmed pairs of images"))
    if rejected is not None:
        aside = "rows, each with its reason" if rejected.height else "every row passed the checks"
        stats.append(Stat("Rejected", format_count(rejected.height), aside))
    return stats


def _repeats(manifest: pl.DataFrame) -> str:
    if not known(manifest, "lesion_id"):
        return ""
    counts = manifest.group_by(lesion_key()).len()["len"]
    repeated = int((counts > 1).sum())
    return f"{several(repeated, 'lesion')} with more than one" if repeated else "one a lesion"


def _partly(manifest: pl.DataFrame, column: str) -> str:
    share = known(manifest, column) / manifest.height
    return "" if share == 1 else f"known for {format_percent(share)} of the images"
