"""A version's predictions on its test part, read from where its run left them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Protocol

import numpy as np
import polars as pl
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from nevus.data.reading import read_bytes
from nevus.errors import InputError
from nevus.evaluation import NO_CLASS, Predictions
from nevus.evaluation.arrays import Objects
from nevus.taxonomy import BENIGN_CLASS, BINARY_CLASSES, MALIGNANT_CLASS

_NEEDED = ("image_id", "group_id", "split", "diagnosis", "label", "malignant", "p_malignant")


class Measured(Protocol):
    """A model and where its predictions lie: a registered version, or one that the gate is about to judge."""

    @property
    def ref(self) -> str:
        """What people call it."""
        ...

    @property
    def task(self) -> str:
        """`diagnosis` or `malignancy`."""
        ...

    @property
    def classes(self) -> tuple[str, ...]:
        """In the order of the model's outputs."""
        ...

    @property
    def malignant(self) -> tuple[str, ...]:
        """Those of the classes that count as malignant."""
        ...

    @property
    def operating_threshold(self) -> float | None:
        """On the malignant probability, 0..1."""
        ...

    @property
    def predictions_uri(self) -> str | None:
        """Its `predictions.parquet`."""
        ...


class PredictionTableError(InputError):
    """A version's predictions aren't there, or aren't what they should be."""


def read_test_predictions(version: Measured) -> pl.DataFrame:
    """The rows of the test part whose truth of malignancy is known, sorted by image id.

    Raises:
        PredictionTableError: the version has no predictions, they are gone, or the table lacks what it needs.
    """
    where = version.predictions_uri
    if where is None:
        raise PredictionTableError(
            f"{version.ref} was registered without its predictions, so nothing can be compared; evaluate its bundle "
            "on the test part and register it again."
        )
    try:
        content = read_bytes(where)
    except InputError as error:
        raise PredictionTableError(
            f"the predictions of {version.ref} are not at {where} any more. Put its run's folder back, or run "
            "`nevus step register` on it where it lies now."
        ) from error
    try:
        table = pl.read_parquet(io.BytesIO(content))
    except pl.exceptions.PolarsError as error:
        raise PredictionTableError(f"{where} is not a readable Parquet file: {error}") from error
    missing = [c for c in (*_NEEDED, *(f"p_{c}" for c in version.classes)) if c not in table.columns]
    if missing:
        raise PredictionTableError(f"{where}, the predictions of {version.ref}, lacks the column {', '.join(missing)}.")
    chosen = table.filter((pl.col("split") == "test") & pl.col("malignant").is_not_null())
    if chosen["image_id"].is_duplicated().any():
        raise PredictionTableError(f"{where}, the predictions of {version.ref}, names an image twice.")
    return chosen.sort("image_id")


def all_classes(table: pl.DataFrame, version: Measured, groups: Objects) -> Predictions:
    """The table as predictions of the version's own classes."""
    probabilities = table.select([f"p_{c}" for c in version.classes]).to_numpy().astype(np.float64)
    labels = table["label"].to_numpy().astype(np.int64)
    return Predictions(
        task="malignancy" if version.task == "malignancy" else "diagnosis",
        classes=version.classes,
        malignant_classes=version.malignant,
        ids=_objects(table["image_id"]),
        probabilities=probabilities,
        labels=np.where(labels < 0, NO_CLASS, labels),
        malignant=table["malignant"].to_numpy().astype(np.bool_),
        groups=groups,
        lesions=groups,
        diagnoses=_objects(table["diagnosis"]),
    )


def malignancy_only(table: pl.DataFrame, groups: Objects) -> Predictions:
    """The table as predictions of benign or malignant: what models of different classes have in common."""
    p = table["p_malignant"].to_numpy().astype(np.float64)
    malignant = table["malignant"].to_numpy().astype(np.bool_)
    return Predictions(
        task="malignancy",
        classes=BINARY_CLASSES,
        malignant_classes=(MALIGNANT_CLASS,),
        ids=_objects(table["image_id"]),
        probabilities=np.stack([1 - p, p], axis=1),
        labels=np.where(malignant, BINARY_CLASSES.index(MALIGNANT_CLASS), BINARY_CLASSES.index(BENIGN_CLASS)).astype(
            np.int64
        ),
        malignant=malignant,
        groups=groups,
        lesions=groups,
        diagnoses=_objects(table["diagnosis"]),
    )


def common_groups(one: Sequence[str], other: Sequence[str]) -> Objects:
    """A grouping [N] that keeps together what either of two groupings of the same N images keeps together."""
    (left, a), (right, b) = (np.unique(np.asarray(groups), return_inverse=True) for groups in (one, other))
    size = len(left) + len(right)
    links = coo_matrix((np.ones(len(a)), (a, b + len(left))), shape=(size, size))
    _, component = connected_components(links, directed=False)
    return _objects(pl.Series([f"g{n}" for n in component[a]], dtype=pl.String))


def _objects(values: pl.Series) -> Objects:
    found = np.empty(len(values), dtype=object)
    found[:] = values.to_list()
    return found
