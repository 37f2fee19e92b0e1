"""`nevus data describe`: from the tables to one HTML page."""

from __future__ import annotations

from pathlib import Path

import polars as pl
from pydantic import Field

from nevus.data.manifest import content_fingerprint
from nevus.data.splits import split_fingerprint
from nevus.errors import InputError
from nevus.provenance import code_revision
from nevus.reporting.describe.categories import diagnosis_figures, diagnosis_rows, people_figures
from nevus.reporting.describe.duplicates import duplicate_sheet
from nevus.reporting.describe.leakage import prove_no_leakage
from nevus.reporting.describe.missing import missing_rows, missing_words
from nevus.reporting.describe.overview import dataset_names, headline_numbers, standfirst
from nevus.reporting.describe.rejected import rejected_rows
from nevus.reporting.describe.samples import ReadPixels, sample_groups
from nevus.reporting.describe.sizes import size_figures, size_words
from nevus.reporting.page import render, write_page
from nevus.reporting.page.wording import listed
from nevus.settings import Section


class DescribeSettings(Section):
    """How much the page shows."""

    samples: int = Field(default=6, ge=0)
    """Images of each class."""
    pairs: int = Field(default=24, ge=0)
    """Pairs of the sheet of duplicates."""
    rejected: int = Field(default=50, ge=0)
    """Rejected rows listed one by one."""
    thumbnail: int = Field(default=240, ge=16)
    """Pixels of a thumbnail's longer side."""


def describe(
    manifest: pl.DataFrame,
    *,
    split: pl.DataFrame | None = None,
    duplicates: pl.DataFrame | None = None,
    rejected: pl.DataFrame | None = None,
    read_pixels: ReadPixels,
    output_html: Path,
    settings: DescribeSettings | None = None,
) -> Path:
    """Write the page. It embeds images of patients: keep it where the images themselves may be kept.

    Args:
        manifest: a conformed manifest.
        split: `image_id, split`; without it there is no proof against leakage.
        duplicates: `image_a, image_b[, kind]`, one row a confirmed pair.
        rejected: the manifest's columns with `reason` and `detail`.
        read_pixels: image id -> RGB uint8 [H, W, 3]; called for the images that are shown.
        output_html: replaced as a whole.
        settings: how much is shown.

    Raises:
        InputError: the manifest has no rows, or a table lacks a column.
        StorageFullError: no room for the page.
    """
    if manifest.is_empty():
        raise InputError("the manifest has no rows, so there is nothing to describe.")
    _require(split, "split", ("image_id", "split"))
    _require(duplicates, "table of duplicates", ("image_a", "image_b"))
    _require(rejected, "table of rejected rows", ("image_id", "reason", "uri"))
    shown = settings or DescribeSettings()
    sheet = (
        duplicate_sheet(manifest, duplicates, read_pixels, most=shown.pairs, max_side=shown.thumbnail)
        if duplicates is not None
        else None
    )
    proof = prove_no_leakage(manifest, split, duplicates) if split is not None else None
    turned_away = rejected_rows(rejected, most=shown.rejected) if rejected is not None else None
    html = render(
        "describe.html.j2",
        __package__ or "nevus.reporting.describe",
        title=dataset_names(manifest),
        kicker="nevus · the data",
        standfirst=standfirst(manifest),
        contents=_contents(sheet is not None, proof is not None, turned_away is not None),
        stats=headline_numbers(manifest, duplicates, rejected),
        diagnoses=diagnosis_figures(manifest),
        diagnosis_table=diagnosis_rows(manifest),
        people=people_figures(manifest),
        sizes=size_figures(manifest),
        size_words=size_words(manifest),
        samples=sample_groups(manifest, read_pixels, each=shown.samples, max_side=shown.thumbnail),
        sheet=sheet,
        proof=proof,
        rejected=turned_away,
        missing=missing_rows(manifest),
        missing_words=missing_words(manifest),
        provenance=_provenance(manifest, split),
    )
    write_page(html, output_html)
    return output_html


def _require(table: pl.DataFrame | None, what: str, columns: tuple[str, ...]) -> None:
    missing = [c for c in columns if table is not None and c not in table.columns]
    if table is not None and missing:
        raise InputError(f"the {what} lacks the column {listed(missing)}; it has {listed(table.columns) or 'none'}.")


def _contents(duplicates: bool, split: bool, rejected: bool) -> list[tuple[str, str]]:
    entries = [
        ("diagnoses", "Diagnoses", True),
        ("people", "Patients and origin", True),
        ("images", "Images", True),
        ("duplicates", "Duplicates", duplicates),
        ("split", "Split", split),
        ("missing", "Missing values", True),
        ("rejected", "Rejected rows", rejected),
    ]
    return [(anchor, name) for anchor, name, present in entries if present]


def _provenance(manifest: pl.DataFrame, split: pl.DataFrame | None) -> list[tuple[str, str]]:
    licences = sorted(manifest["licence"].drop_nulls().unique())
    credits = sorted(manifest["attribution"].drop_nulls().unique())
    facts = [
        ("Licence", "; ".join(licences) or "not recorded"),
        ("Images by", "; ".join(credits) or "not recorded"),
        ("Content", content_fingerprint(manifest)),
    ]
    if split is not None and "group_id" in split.columns:
        facts.append(("Split", split_fingerprint(split)))
    return [*facts, ("Made by", f"nevus {code_revision()}")]
