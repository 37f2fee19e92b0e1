"""The rows that were turned away, each with its reason."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from nevus.data.checks.reasons import TEXTS
from nevus.reporting.page.formats import format_count
from nevus.reporting.page.wording import several


@dataclass(frozen=True)
class RejectedRows:
    """Counts by reason, and the first rows."""

    reasons: list[list[str]]
    rows: list[list[str]]
    not_shown: str


def rejected_rows(rejected: pl.DataFrame, *, most: int) -> RejectedRows:
    """Count the rows by reason and name the first `most` of them."""
    reasons = rejected.group_by("reason").len().sort("len", "reason", descending=[True, False])
    detail = pl.col("detail").fill_null("") if "detail" in rejected.columns else pl.lit("")
    shown = rejected.select(
        pl.col("image_id").fill_null("–"), pl.col("reason"), detail.alias("detail"), pl.col("uri").fill_null("–")
    ).sort("reason", "image_id")
    left = shown.height - most
    texts: dict[str, str] = dict(TEXTS.items())
    return RejectedRows(
        reasons=[
            [reason.replace("_", " "), texts.get(reason, ""), format_count(n)] for reason, n in reasons.iter_rows()
        ],
        rows=[[a, b.replace("_", " "), c, d] for a, b, c, d in shown.head(most).iter_rows()],
        not_shown=f"{several(left, 'more row')} in rejected.parquet" if left > 0 else "",
    )
