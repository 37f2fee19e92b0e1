"""What isn't known: missing values by column."""

from __future__ import annotations

import polars as pl

from nevus.reporting.describe.quantities import known
from nevus.reporting.page.formats import format_count, format_percent
from nevus.taxonomy import UNKNOWN

COLUMNS = {
    "diagnosis": "Diagnosis",
    "malignant": "Malignant or benign",
    "confirmed_by": "How it was confirmed",
    "patient_id": "Patient",
    "lesion_id": "Lesion",
    "age": "Age",
    "sex": "Sex",
    "site": "Body site",
    "skin_type": "Skin type",
    "source": "Source",
    "licence": "Licence",
    "width": "Size",
    "sha256": "Hash of the file",
}


def missing_rows(manifest: pl.DataFrame) -> list[list[str]]:
    """The rows column, known, missing, share missing; a diagnosis `unknown` counts as missing."""
    rows = []
    for column, name in COLUMNS.items():
        here = known(manifest, column)
        if column == "diagnosis":
            here -= manifest.filter(pl.col("diagnosis") == UNKNOWN).height
        missing = manifest.height - here
        rows.append([name, format_count(here), format_count(missing), format_percent(missing / manifest.height)])
    return rows


def missing_words(manifest: pl.DataFrame) -> str:
    """What follows from columns of which nothing at all is known."""
    said = []
    if not known(manifest, "patient_id"):
        said.append("No patient ids: lesions of one patient may stand in different parts of a split.")
    if not known(manifest, "skin_type"):
        said.append("No skin type: how well a model serves darker skin can't be measured on these data.")
    return " ".join(said) or "Every column is known for at least some of the images."
