"""`profile.parquet` of a bundle: reference histograms of what it meets in production; no row of a patient."""

from __future__ import annotations

import io

import numpy as np
import polars as pl

BINS = 20


def reference_profile(predictions: pl.DataFrame) -> bytes:
    """Histograms over the validation and test part as Parquet: `feature, low, high, level, count`.

    Numbers (scores, quality, age) have `BINS` bins between their 0.5 and 99.5 percentiles, the outer ones open (low or
    high null); words (diagnosis as predicted, verdict, sex, site) have a row a level. Missing values are level `null`.
    """
    classes = [c.removeprefix("z_") for c in predictions.columns if c.startswith("z_")]
    predicted = predictions.select([f"p_{c}" for c in classes]).to_numpy().argmax(1)
    frame = predictions.with_columns(pl.Series("predicted", [classes[i] for i in predicted]))
    parts = [_words(frame[name], name) for name in ("predicted", "verdict", "sex", "site")]
    numbers = ["p_malignant", "ood_score", "age", *(c for c in frame.columns if c.startswith(("p_", "q_")))]
    parts += [_numbers(frame[name], name) for name in dict.fromkeys(numbers)]
    buffer = io.BytesIO()
    pl.concat(parts).write_parquet(buffer)
    return buffer.getvalue()


def _words(values: pl.Series, name: str) -> pl.DataFrame:
    counts = values.cast(pl.String).fill_null("null").value_counts().sort(values.name)
    return _rows(name, [None] * counts.height, [None] * counts.height, counts[values.name].to_list(), counts["count"])


def _numbers(values: pl.Series, name: str) -> pl.DataFrame:
    known = values.drop_nulls().drop_nans().cast(pl.Float64).to_numpy()
    missing = len(values) - len(known)
    if len(known) == 0:
        return _rows(name, [None], [None], ["null"], [missing])
    low, high = np.quantile(known, [0.005, 0.995])
    edges = np.unique(np.linspace(low, high, BINS - 1)) if high > low else np.array([low])
    counts = np.bincount(np.searchsorted(edges, known, side="right"), minlength=len(edges) + 1)
    lows = [None, *edges.tolist()]
    highs = [*edges.tolist(), None]
    levels: list[str | None] = [None] * len(counts)
    return _rows(name, [*lows, None], [*highs, None], [*levels, "null"], [*counts.tolist(), missing])


def _rows(name: str, low: object, high: object, level: object, count: object) -> pl.DataFrame:
    schema = {"low": pl.Float64, "high": pl.Float64, "level": pl.String, "count": pl.Int64}
    table = pl.DataFrame({"low": low, "high": high, "level": level, "count": count}, schema_overrides=schema)
    return table.select(pl.lit(name).alias("feature"), *schema)
