"""The manifest as a schema: what holds for every checked manifest, tested on the table as a whole."""

from __future__ import annotations

from functools import cache
from typing import Any

import polars as pl

from nevus.data.manifest import REQUIRED, SCHEMA, ManifestError
from nevus.data.pixels import SWAPPED
from nevus.errors import require
from nevus.taxonomy import DIAGNOSES, OLDEST

_SHOWN = 5


def validate_manifest(table: pl.DataFrame) -> None:
    """Hold a checked manifest to its schema.

    Columns, types and order; ids unique; nothing required is null; diagnoses are codes; ages are possible; every row
    has its file's SHA-256 and size.

    Raises:
        ManifestError: names column, rule and the first rows that break it.
    """
    pandera = require("pandera.polars", "data")
    try:
        _schema().validate(table, lazy=True)
    except pandera.errors.SchemaErrors as error:
        cases = error.failure_cases.head(_SHOWN)
        said = "; ".join(_say(row) for row in cases.iter_rows(named=True))
        raise ManifestError(
            f"the manifest breaks its schema in {error.failure_cases.height} place(s): {said}. Make it with "
            "`nevus data check`."
        ) from error


def _say(case: dict[str, Any]) -> str:
    where = "" if case["index"] is None else f"row {case['index']}: "
    return f"{case['column'] or 'the table'}: {case['check']} ({where}{case['failure_case']})"


@cache
def _schema() -> Any:
    pandera = require("pandera.polars", "data")
    rules = {
        "image_id": {"unique": True},
        "diagnosis": {"checks": pandera.Check.isin(list(DIAGNOSES))},
        "channels": {"checks": pandera.Check.isin([SWAPPED])},
        "age": {"checks": pandera.Check.in_range(0, OLDEST)},
        "sha256": {"checks": pandera.Check.str_matches("^[0-9a-f]{64}$"), "nullable": False},
        "width": {"checks": pandera.Check.ge(1), "nullable": False},
        "height": {"checks": pandera.Check.ge(1), "nullable": False},
    }
    columns = {
        name: pandera.Column(dtype, **{"nullable": name not in REQUIRED, **rules.get(name, {})})
        for name, dtype in SCHEMA.items()
    }
    return pandera.DataFrameSchema(columns, strict=True, ordered=True)
