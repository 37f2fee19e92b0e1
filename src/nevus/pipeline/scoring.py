"""A bundle run over a manifest's images: the table of predictions that everything later is computed from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from nevus.bundle import Failure, Metadata, Prediction, Predictor
from nevus.data.pixels import ManifestPixels, limits_of
from nevus.errors import NevusError
from nevus.evaluation.predictions import NO_CLASS, Predictions
from nevus.training.targets import Targets, truth_of_malignancy

Progress = Callable[[int, int], None]
CARRIED = ("image_id", "group_id", "lesion_id", "diagnosis", "split", "age", "sex", "site", "source", "confirmed_by")


class ScoringError(NevusError):
    """An image that was readable before can't be read now."""


def score_images(bundle: Path, rows: pl.DataFrame, targets: Targets, progress: Progress | None = None) -> pl.DataFrame:
    """Predict every row from its original file, refused ones too, exactly as the bundle ships.

    Args:
        bundle: the bundle's directory.
        rows: manifest rows with `split`.
        targets: the classes, for the labels.
        progress: hears (done, of how many).

    Returns:
        One row an image: what identifies and describes it, `label` (index, -1 for none), `malignant` (null where not
        known), `p_<class>`, `z_<class>` (logits), `p_malignant`, `ood_score`, `verdict`, `reasons`.

    Raises:
        ScoringError: an image can't be read.
    """
    known = [Metadata(age=age, sex=sex, site=site) for age, sex, site in rows.select("age", "sex", "site").iter_rows()]
    answers: list[Prediction] = []
    read = ManifestPixels(rows)
    with Predictor(bundle, limits=limits_of(rows)) as predictor:
        images = (read.source(row) for row in range(rows.height))
        for number, answer in enumerate(predictor.predict_each(images, known, raw=True), start=1):
            if isinstance(answer, Failure):
                raise ScoringError(f"{rows['uri'][number - 1]} can't be read: {answer.error}")
            answers.append(answer)
            if progress:
                progress(number, rows.height)
    # In the binary task malignant is a class, and its probability is there already.
    summed = [pl.Series("p_malignant", [a.p_malignant for a in answers], dtype=pl.Float64)]
    if "malignant" in targets.classes:
        summed = []
    return rows.select(CARRIED).with_columns(
        pl.Series("label", targets.labels(rows), dtype=pl.Int64),
        pl.Series("malignant", truth_of_malignancy(rows), dtype=pl.Boolean),
        *(pl.Series(f"p_{c}", [(a.probabilities or {})[c] for a in answers]) for c in targets.classes),
        *(pl.Series(f"z_{c}", [(a.logits or {})[c] for a in answers]) for c in targets.classes),
        *summed,
        pl.Series("ood_score", [a.ood_score for a in answers], dtype=pl.Float64),
        *(
            pl.Series(f"q_{name}", [a.quality.as_dict()[name] for a in answers])
            for name in answers[0].quality.as_dict()
        ),
        pl.Series("verdict", [a.verdict for a in answers], dtype=pl.String),
        pl.Series("reasons", [list(a.reasons) for a in answers], dtype=pl.List(pl.String)),
    )


def logits_of(table: pl.DataFrame, classes: Sequence[str]) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Logits float64 [n,C] of a table of predictions."""
    return table.select([f"z_{c}" for c in classes]).to_numpy().astype(np.float64)


def as_predictions(table: pl.DataFrame, targets: Targets) -> Predictions:
    """A table of predictions as the evaluation takes it; rows of which neither truth is known are left out."""
    table = table.filter(pl.col("malignant").is_not_null())
    reasons = pl.col("reasons").list

    def flag(*names: str) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        found = table.select(pl.any_horizontal([reasons.contains(name) for name in names]))
        return found.to_series().to_numpy().astype(np.bool_)

    def objects(column: str) -> np.ndarray[tuple[int, ...], np.dtype[np.object_]]:
        values = np.empty(table.height, dtype=object)
        values[:] = table[column].to_list()
        return values

    probabilities = table.select([f"p_{c}" for c in targets.classes]).to_numpy().astype(np.float64)
    labels = table["label"].to_numpy().astype(np.int64)
    return Predictions(
        task=targets.task,
        classes=targets.classes,
        malignant_classes=targets.malignant,
        ids=objects("image_id"),
        probabilities=probabilities,
        labels=np.where(labels < 0, NO_CLASS, labels),
        malignant=table["malignant"].to_numpy().astype(np.bool_),
        groups=objects("group_id"),
        lesions=objects("lesion_id"),
        diagnoses=objects("diagnosis"),
        out_of_distribution=flag("out_of_distribution"),
        unusable=(table["verdict"] == "unusable").to_numpy().astype(np.bool_),
        near_threshold=flag("near_threshold"),
        columns={name: objects(name) for name in ("age", "sex", "site", "source", "confirmed_by")},
    )
